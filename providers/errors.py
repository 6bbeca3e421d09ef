"""From what a provider did to the code a person is told. Status and text decide, not exception classes.

litellm's exception classes depend on the provider (the same 429 is RateLimitError or BadRequestError),
so they are not looked at: the transport notes status, headers and body of the real answer.
"""

import logging
import re

from betterchat.core.errors import ErrorCode, UserFacingError
from providers.events import FinishReason
from providers.wires.base import WireReport

logger = logging.getLogger("betterchat.providers")

# From the providers' error pages, from vLLM's source, and from what people report; a test has the words.
_CONTEXT_OVERFLOW = re.compile(
    r"context_length_exceeded|maximum context length|context window|prompt is too long|input is too long"
    r"|exceeds? the (available )?context|exceeds? context limit|exceeds the maximum number of tokens"
    r"|input token count.{0,40}exceeds|prompt token count.{0,40}exceeds|exceeded model token limit"
    r"|maximum prompt length|too many tokens|reduce the length of (the|your) (messages|prompt|input)"
    r"|longer than the (model's context length|maximum model length)|greater than the context length"
    r"|context the overflows|prompt exceeds max length|range of input length|max_new_tokens. must be <="
    r"|model_context_window_exceeded",
    re.IGNORECASE,
)
_CONTENT_FILTER = re.compile(
    r"content[_ ]filter|content[_ ]policy|content management policy|flagged (as|by|for)|safety system"
    r"|moderation|responsibleaipolicy|prohibited_content|usage (policy|policies|guidelines)"
    r"|content exists risk|data_?inspection_?failed|inappropriate content|new_sensitive",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(
    r"insufficient[_ ]quota|credit balance|insufficient[_ ](account )?(credits|balance|funds)"
    r"|payment required|billing[_ ](not[_ ]active|hard[_ ]limit)|have any credits|out of credits"
    r"|exceeded_current_quota",
    re.IGNORECASE,
)
_KEY_REFUSED = re.compile(
    r"api[_ ]key[_ ](not valid|invalid)|(invalid|incorrect)[_ ]api[_ ]key|API_KEY_INVALID", re.IGNORECASE
)
_NO_SUCH_MODEL = re.compile(r"model[_ ]not[_ ]found|model .{0,120}(does not exist|not found)", re.IGNORECASE)

# First match wins; where none does, the status decides.
_BY_TEXT: tuple[tuple[frozenset[int], re.Pattern[str], ErrorCode], ...] = (
    (frozenset({400, 413, 422, 500}), _CONTEXT_OVERFLOW, ErrorCode.CONTEXT_OVERFLOW),
    (frozenset({400, 403, 422, 451}), _CONTENT_FILTER, ErrorCode.CONTENT_FILTERED),
    (frozenset({400, 403, 429, 500}), _NO_CREDIT, ErrorCode.PROVIDER_PAYMENT_REQUIRED),
    (frozenset({400, 403}), _KEY_REFUSED, ErrorCode.PROVIDER_KEY_REFUSED),
    (frozenset({400, 422}), _NO_SUCH_MODEL, ErrorCode.PROVIDER_MODEL_NOT_FOUND),
)

_BY_STATUS: dict[int, ErrorCode] = {
    400: ErrorCode.PROVIDER_BAD_REQUEST,
    401: ErrorCode.PROVIDER_KEY_REFUSED,
    402: ErrorCode.PROVIDER_PAYMENT_REQUIRED,
    403: ErrorCode.PROVIDER_FORBIDDEN,
    404: ErrorCode.PROVIDER_MODEL_NOT_FOUND,
    405: ErrorCode.PROVIDER_NOT_AN_API,
    408: ErrorCode.PROVIDER_TIMEOUT,
    413: ErrorCode.PROVIDER_REQUEST_TOO_LARGE,
    429: ErrorCode.PROVIDER_RATE_LIMITED,
    451: ErrorCode.CONTENT_FILTERED,
    498: ErrorCode.PROVIDER_KEY_REFUSED,
    502: ErrorCode.PROVIDER_FAILED,
    503: ErrorCode.PROVIDER_OVERLOADED,
    504: ErrorCode.PROVIDER_TIMEOUT,
    524: ErrorCode.PROVIDER_TIMEOUT,
    529: ErrorCode.PROVIDER_OVERLOADED,
}


def code_of_status(status: int, body: str) -> ErrorCode:
    """The code of an answer with this status; `body` is its raw text."""
    for statuses, pattern, code in _BY_TEXT:
        if status in statuses and pattern.search(body):
            return code
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status < 400:
        return ErrorCode.PROVIDER_NOT_AN_API
    return ErrorCode.PROVIDER_BAD_REQUEST if status < 500 else ErrorCode.PROVIDER_FAILED


def code_of_failure(report: WireReport, *, began: bool) -> ErrorCode | None:
    """Why a call failed; None for one that ended as it should. Words that came before are valid.

    `began`: whether anything of an answer came. What breaks after the model said that it is done takes
    nothing away.
    """
    if code := _code_of_no_answer(report):
        return code
    if report.error_text is not None:
        return _code_of_error_event(report, began=began)
    if report.finish is FinishReason.CONTENT_FILTER:
        return ErrorCode.CONTENT_FILTERED
    if report.finish is None:
        return _code_of_cut(report)
    return ErrorCode.PROVIDER_STREAM_FAILED if report.garbled else None


def _code_of_no_answer(report: WireReport) -> ErrorCode | None:
    if report.raised is not None:
        return report.raised
    if report.address_refused:
        return ErrorCode.ADDRESS_REFUSED
    if report.unreachable:
        return ErrorCode.PROVIDER_UNREACHABLE
    if report.status is not None and report.status != 200:
        return code_of_status(report.status, report.error_body)
    return ErrorCode.PROVIDER_NOT_AN_API if report.not_a_stream else None


def _code_of_cut(report: WireReport) -> ErrorCode:
    if report.silent:
        return ErrorCode.PROVIDER_SILENT
    return ErrorCode.PROVIDER_TIMEOUT if report.timed_out else ErrorCode.PROVIDER_STREAM_CUT


def _code_of_error_event(report: WireReport, *, began: bool) -> ErrorCode:
    """An error told inside a stream. Before any word it is what its status would have been."""
    text = report.error_text or ""
    if not began and report.error_status is not None:
        return code_of_status(report.error_status, text)
    if not began and (code := code_of_status(400, text)) is not ErrorCode.PROVIDER_BAD_REQUEST:
        return code
    if _CONTEXT_OVERFLOW.search(text):
        return ErrorCode.CONTEXT_OVERFLOW
    if _CONTENT_FILTER.search(text):
        return ErrorCode.CONTENT_FILTERED
    return ErrorCode.PROVIDER_STREAM_FAILED


def failure(
    code: ErrorCode, *, provider: str, report: WireReport | None = None, seconds: int = 0
) -> UserFacingError:
    """The error to raise, noted in the log by code, status and provider: never with the provider's text."""
    status = report.status if report else None
    logger.info("call to %s failed: %s (status %s)", provider, code.value, status)
    details: dict[str, str | int] = {"provider": provider}
    if code is ErrorCode.PROVIDER_SILENT:
        details["seconds"] = seconds
    retry_after = report.retry_after_seconds if report else None
    return UserFacingError(code, details=details, retry_after_seconds=retry_after)
