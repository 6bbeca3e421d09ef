"""Every failure a person or program can meet: a code, a sentence and a next step.

Codes are the contract (they appear in the protocol, in logs and in tests); sentences may be reworded
freely. Raw exception text is never shown: whatever is not listed here becomes `INTERNAL`.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class ErrorCode(enum.StrEnum):
    """Stable names of failures, grouped by who can act on them."""

    # The request itself
    INVALID_FRAME = "invalid_frame"
    UNKNOWN_COMMAND = "unknown_command"
    BAD_REQUEST = "bad_request"
    NOT_SIGNED_IN = "not_signed_in"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_MANY_REQUESTS = "too_many_requests"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    # Sending
    MESSAGE_EMPTY = "message_empty"
    MESSAGE_TOO_LONG = "message_too_long"
    TITLE_INVALID = "title_invalid"
    QUEUE_FULL = "queue_full"
    TURN_IN_PROGRESS = "turn_in_progress"
    MODEL_UNAVAILABLE = "model_unavailable"
    MODEL_NOT_FOR_GUESTS = "model_not_for_guests"
    EFFORT_UNAVAILABLE = "effort_unavailable"
    # The provider
    PROVIDER_KEY_MISSING = "provider_key_missing"
    OWN_KEY_MISSING = "own_key_missing"
    KEY_UNREADABLE = "key_unreadable"
    PROVIDER_KEY_REFUSED = "provider_key_refused"
    PROVIDER_PAYMENT_REQUIRED = "provider_payment_required"
    PROVIDER_FORBIDDEN = "provider_forbidden"
    PROVIDER_MODEL_NOT_FOUND = "provider_model_not_found"
    PROVIDER_BAD_REQUEST = "provider_bad_request"
    PROVIDER_TIMEOUT = "provider_timeout"
    PROVIDER_SILENT = "provider_silent"
    PROVIDER_REQUEST_TOO_LARGE = "provider_request_too_large"
    PROVIDER_RATE_LIMITED = "provider_rate_limited"
    PROVIDER_FAILED = "provider_failed"
    PROVIDER_OVERLOADED = "provider_overloaded"
    PROVIDER_UNREACHABLE = "provider_unreachable"
    PROVIDER_NOT_AN_API = "provider_not_an_api"
    PROVIDER_STREAM_CUT = "provider_stream_cut"
    PROVIDER_STREAM_FAILED = "provider_stream_failed"
    ADDRESS_REFUSED = "address_refused"
    CONTENT_FILTERED = "content_filtered"
    CONTEXT_OVERFLOW = "context_overflow"
    ANSWER_EMPTY = "answer_empty"
    ANSWER_TOO_LONG = "answer_too_long"
    # Ourselves
    TURN_INTERRUPTED = "turn_interrupted"


class NextAction(enum.StrEnum):
    """The one main action offered beside a failure. Clients draw it as a button."""

    NONE = "none"
    RETRY = "retry"
    WAIT_AND_RETRY = "wait_and_retry"
    EDIT = "edit"
    CHOOSE_MODEL = "choose_model"
    SIGN_IN = "sign_in"
    ASK_OPERATOR = "ask_operator"
    RELOAD = "reload"


@dataclass(frozen=True, slots=True)
class ErrorText:
    """How one code is told: `sentence` says what happened, `next_step` what to do."""

    sentence: str
    next_step: str
    action: NextAction
    http_status: int


_RETRY, _WAIT, _EDIT = NextAction.RETRY, NextAction.WAIT_AND_RETRY, NextAction.EDIT
_MODEL, _OPERATOR = NextAction.CHOOSE_MODEL, NextAction.ASK_OPERATOR

ERROR_TEXTS: Mapping[ErrorCode, ErrorText] = {
    ErrorCode.INVALID_FRAME: ErrorText(
        "That frame is not one this server understands: {reason}.",
        "Check it against PROTOCOL.md.",
        NextAction.NONE,
        400,
    ),
    ErrorCode.UNKNOWN_COMMAND: ErrorText(
        "There is no such command.", "Check it against PROTOCOL.md.", NextAction.NONE, 400
    ),
    ErrorCode.BAD_REQUEST: ErrorText(
        "That request can't be carried out: {reason}.", "Correct it and send it again.", _EDIT, 400
    ),
    ErrorCode.NOT_SIGNED_IN: ErrorText(
        "You are signed out.", "Sign in and send it again.", NextAction.SIGN_IN, 401
    ),
    ErrorCode.NOT_FOUND: ErrorText(
        "That isn't here, or it isn't yours.", "Go back to your conversations.", NextAction.NONE, 404
    ),
    ErrorCode.CONFLICT: ErrorText(
        "That was changed somewhere else in the meantime.",
        "Reload to see what it is now.",
        NextAction.RELOAD,
        409,
    ),
    ErrorCode.TOO_MANY_REQUESTS: ErrorText(
        "That is more than this server takes at once.", "Wait a moment and try again.", _WAIT, 429
    ),
    ErrorCode.INTERNAL: ErrorText(
        "Something failed on this server. It has been recorded.", "Try again.", _RETRY, 500
    ),
    ErrorCode.UNAVAILABLE: ErrorText(
        "A part of this server can't be reached right now.", "Try again in a moment.", _WAIT, 503
    ),
    ErrorCode.MESSAGE_EMPTY: ErrorText("There is nothing to send yet.", "Write a message first.", _EDIT, 400),
    ErrorCode.MESSAGE_TOO_LONG: ErrorText(
        "The message has {length} characters; the limit is {limit}.",
        "Shorten it or send it in parts.",
        _EDIT,
        413,
    ),
    ErrorCode.TITLE_INVALID: ErrorText(
        "A title has between 1 and {limit} characters.", "Choose another title.", _EDIT, 400
    ),
    ErrorCode.QUEUE_FULL: ErrorText(
        "{limit} messages are waiting already.", "Let the answer finish first.", _WAIT, 409
    ),
    ErrorCode.TURN_IN_PROGRESS: ErrorText(
        "This message is being answered already.", "Stop that answer first.", NextAction.NONE, 409
    ),
    ErrorCode.MODEL_UNAVAILABLE: ErrorText(
        "The model {model} is not available here.", "Choose another model.", _MODEL, 409
    ),
    ErrorCode.MODEL_NOT_FOR_GUESTS: ErrorText(
        "Guests can't use the model {model}.", "Sign in, or choose Demo.", NextAction.SIGN_IN, 403
    ),
    ErrorCode.EFFORT_UNAVAILABLE: ErrorText(
        "{model} can't be asked for the effort {effort}; it offers {offered}.",
        "Choose another effort or another model.",
        _MODEL,
        409,
    ),
    ErrorCode.PROVIDER_KEY_MISSING: ErrorText(
        "No key for {provider} is set on this server.",
        "Choose another model, or ask the operator to set one.",
        _MODEL,
        503,
    ),
    ErrorCode.OWN_KEY_MISSING: ErrorText(
        "You have no key for {provider}.",
        "Enter it under Providers and keys, or choose another model.",
        _MODEL,
        409,
    ),
    ErrorCode.KEY_UNREADABLE: ErrorText(
        "The stored key for {provider} can't be opened.",
        "Enter it again, or choose another model.",
        _MODEL,
        503,
    ),
    ErrorCode.PROVIDER_KEY_REFUSED: ErrorText(
        "{provider} refused the key it was given.",
        "Choose another model, or have the key checked.",
        _MODEL,
        502,
    ),
    ErrorCode.PROVIDER_PAYMENT_REQUIRED: ErrorText(
        "{provider} asks for payment: the account behind the key has no credit left.",
        "Choose another model, or have the account topped up.",
        _MODEL,
        502,
    ),
    ErrorCode.PROVIDER_FORBIDDEN: ErrorText(
        "{provider} does not allow this key to use the model.", "Choose another model.", _MODEL, 502
    ),
    ErrorCode.PROVIDER_MODEL_NOT_FOUND: ErrorText(
        "{provider} does not know this model.", "Choose another model.", _MODEL, 502
    ),
    ErrorCode.PROVIDER_BAD_REQUEST: ErrorText(
        "{provider} did not accept the request.", "Change the message or the model.", _MODEL, 502
    ),
    ErrorCode.PROVIDER_TIMEOUT: ErrorText("{provider} took too long to answer.", "Try again.", _RETRY, 504),
    ErrorCode.PROVIDER_SILENT: ErrorText(
        "{provider} sent nothing for {seconds} seconds.", "Try again.", _RETRY, 504
    ),
    ErrorCode.PROVIDER_REQUEST_TOO_LARGE: ErrorText(
        "The conversation is too large for {provider}.",
        "Start a new conversation, or choose another model.",
        _MODEL,
        502,
    ),
    ErrorCode.PROVIDER_RATE_LIMITED: ErrorText(
        "{provider} allows no more requests for now.", "Wait, then try again.", _WAIT, 503
    ),
    ErrorCode.PROVIDER_FAILED: ErrorText("{provider} failed on its side.", "Try again.", _RETRY, 502),
    ErrorCode.PROVIDER_OVERLOADED: ErrorText(
        "{provider} is overloaded.", "Wait a moment, then try again.", _WAIT, 503
    ),
    ErrorCode.PROVIDER_UNREACHABLE: ErrorText(
        "{provider} can't be reached.", "Try again, or choose another model.", _RETRY, 502
    ),
    ErrorCode.PROVIDER_NOT_AN_API: ErrorText(
        "The address of {provider} answered with a page instead of an answer.",
        "Ask the operator to check the address.",
        _OPERATOR,
        502,
    ),
    ErrorCode.PROVIDER_STREAM_CUT: ErrorText(
        "{provider} stopped in the middle of the answer. What came is kept.", "Try again.", _RETRY, 502
    ),
    ErrorCode.PROVIDER_STREAM_FAILED: ErrorText(
        "{provider} reported a failure in the middle of the answer. What came is kept.",
        "Try again.",
        _RETRY,
        502,
    ),
    ErrorCode.ADDRESS_REFUSED: ErrorText(
        "The address of {provider} is not one this server may call.",
        "Ask the operator to allow it.",
        _OPERATOR,
        502,
    ),
    ErrorCode.CONTENT_FILTERED: ErrorText(
        "{provider} withheld the answer under its content rules.",
        "Rephrase the message, or choose another model.",
        _EDIT,
        502,
    ),
    ErrorCode.CONTEXT_OVERFLOW: ErrorText(
        "The conversation is longer than this model can read.",
        "Start a new conversation, or choose a model that reads more.",
        _MODEL,
        502,
    ),
    ErrorCode.ANSWER_EMPTY: ErrorText("{provider} finished without an answer.", "Try again.", _RETRY, 502),
    ErrorCode.ANSWER_TOO_LONG: ErrorText(
        "The answer passed {limit} characters and was ended there. What came is kept.",
        "Ask for the rest in a new message.",
        NextAction.NONE,
        502,
    ),
    ErrorCode.TURN_INTERRUPTED: ErrorText(
        "The server was interrupted in the middle of this answer. What came is kept.",
        "Try again.",
        _RETRY,
        500,
    ),
}


class UserFacingError(Exception):
    """A failure that may be told to the person or program that asked.

    `details` fills the placeholders of the sentence and goes to the client as it is: never put a
    secret, another person's data or raw exception text there.
    """

    def __init__(
        self,
        code: ErrorCode,
        *,
        details: Mapping[str, str | int] | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(code.value)
        self.code = code
        self.details: dict[str, str | int] = dict(details or {})
        self.retry_after_seconds = retry_after_seconds

    @property
    def sentence(self) -> str:
        """What happened, in words. A missing detail is told as "it", never as a traceback."""
        return ERROR_TEXTS[self.code].sentence.format_map(_Filled(self.details))

    @property
    def next_step(self) -> str:
        return ERROR_TEXTS[self.code].next_step

    @property
    def action(self) -> NextAction:
        return ERROR_TEXTS[self.code].action

    @property
    def http_status(self) -> int:
        return ERROR_TEXTS[self.code].http_status


class _Filled(dict[str, str | int]):
    def __missing__(self, key: str) -> str:
        return "The provider" if key == "provider" else "it"
