"""Clients of boto3, and their errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ..errors import EnvelopeError, escaped, refusal

CODES = {
    "AccessDeniedException": "key-denied",
    "NotAuthorizedException": "key-denied",
    "DisabledException": "key-disabled",
    "KMSInvalidStateException": "key-pending-deletion",
    "NotFoundException": "key-not-found",
    "IncorrectKeyException": "key-wrong",
    "InvalidCiphertextException": "key-mismatch",
    "ThrottlingException": "key-throttled",
    "LimitExceededException": "key-throttled",
    "TooManyRequestsException": "key-throttled",
    "RequestLimitExceeded": "key-throttled",
    "ProvisionedThroughputExceededException": "key-throttled",
    "KeyUnavailableException": "key-unavailable",
    "DependencyTimeoutException": "key-unavailable",
    "KMSInternalException": "key-unavailable",
    "InternalServerError": "key-unavailable",
    "ServiceUnavailable": "key-unavailable",
    "ResourceNotFoundException": "key-not-found",
}

# Exceptions of botocore without an answer of a server. Matched by name: botocore need not be
# installed.
NO_ANSWER = {
    "EndpointConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ConnectionClosedError",
    "ConnectionError",
    "HTTPClientError",
    "ProxyConnectionError",
    "SSLError",
    "ResponseStreamingError",
}


class KmsClient(Protocol):
    """``boto3.client("kms")``."""

    @property
    def decrypt(self) -> Callable[..., Any]: ...


def ask(operation: str, what: str, call: Callable[[], Any]) -> Mapping[str, Any]:
    """The answer of a service, or an error. Of the error of botocore only the answer is taken:
    others quote the request.
    """
    try:
        answer = call()
    except EnvelopeError:
        raise
    except Exception as error:
        raise _error(operation, what, error) from None
    if not isinstance(answer, Mapping):
        raise refusal(
            "key-invalid-answer",
            f"{operation} with {what} did not answer with a dict: is it a client of boto3?",
        )
    return answer


def _error(operation: str, what: str, error: Exception) -> EnvelopeError:
    response = getattr(error, "response", None)
    said = response.get("Error", {}) if isinstance(response, Mapping) else {}
    name = said.get("Code") or type(error).__name__
    code = CODES.get(
        name, "key-unavailable" if name in NO_ANSWER or _is_server_error(response) else "key-other"
    )
    message = f"{operation} with {what}: {name}"
    if said.get("Message"):
        message += f": {escaped(' '.join(str(said['Message']).split()))}"
    metadata = response.get("ResponseMetadata", {}) if isinstance(response, Mapping) else {}
    if metadata.get("RequestId"):
        message += f" (request {escaped(str(metadata['RequestId']))})"
    return refusal(code, message)


def _is_server_error(response: Any) -> bool:
    status = (
        response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if isinstance(response, Mapping)
        else None
    )
    return isinstance(status, int) and status >= 500
