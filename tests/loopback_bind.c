/* Loaded with LD_PRELOAD into servers that insist on every interface: what they bind, they bind to loopback.
 *
 * DynamoDB Local has no option for the address it listens on, and LocalStack ignores the host of GATEWAY_LISTEN. Both
 * serve whoever can reach them, without credentials; on a shared or badly walled machine that must be nobody else.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

typedef int bind_function(int, const struct sockaddr *, socklen_t);

int bind(int fd, const struct sockaddr *address, socklen_t length) {
  bind_function *real_bind = (bind_function *)dlsym(RTLD_NEXT, "bind");
  struct sockaddr_storage copy;
  if (!address || length > sizeof copy) return real_bind(fd, address, length);
  memcpy(&copy, address, length);
  struct sockaddr_in *v4 = (struct sockaddr_in *)&copy;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&copy;
  if (copy.ss_family == AF_INET && length >= sizeof *v4 && v4->sin_addr.s_addr == htonl(INADDR_ANY))
    v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (copy.ss_family == AF_INET6 && length >= sizeof *v6 && IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
    v6->sin6_addr = in6addr_loopback;
  return real_bind(fd, (struct sockaddr *)&copy, length);
}
