"""What is known of litellm by name: the providers that are called through it, and what it raises.

Of its providers those were seen to keep to the client they are given.

litellm takes a client per call, but not every provider's code uses it, and some only one of the right
class; the others make one of their own, which nobody guards. So a name that is not here is not called.
A test calls each of them.
"""

from betterchat.core.errors import ErrorCode

THROUGH_HANDLER = frozenset({
    "azure_ai", "bedrock_mantle", "cometapi", "compactifai", "databricks", "deepseek", "edenai",
    "fireworks_ai", "groq", "hosted_vllm", "minimax", "mistral", "nadir", "openrouter",
    "ovhcloud", "together_ai", "xai",
})  # fmt: skip
"""Their code takes litellm's own handler."""

THROUGH_OPENAI_SDK = frozenset({
    "ai21", "ai21_chat", "aiml", "apertis", "assemblyai", "azure", "baseten", "cerebras",
    "charity_engine", "chutes", "codestral", "cognition", "cortecs", "custom_openai", "darkbloom",
    "dashscope", "deepinfra", "docker_model_runner", "empower", "featherless_ai", "friendliai",
    "galadriel", "github", "helicone", "hyperbolic", "inception", "lambda_ai", "libertai",
    "litellm_proxy", "llamafile", "lm_studio", "meta", "meta_llama", "modelscope", "moonshot", "morph",
    "nano-gpt", "nebius", "neosantara", "novita", "nscale", "nvidia_nim", "openai", "parasail",
    "perplexity", "pinstripes", "poe", "prism", "publicai", "qwen_ai_platform", "qwencloud", "reka",
    "sail", "sambanova", "scaleway", "scx-ai", "synthetic", "tencent", "tensormesh", "v0",
    "vercel_ai_gateway", "volcengine", "wandb", "xiaomi_mimo", "xinference", "zai",
})  # fmt: skip
"""Their code takes the client of the openai package."""

CARRIED = THROUGH_HANDLER | THROUGH_OPENAI_SDK

CODES_OF_EXCEPTIONS: dict[str, ErrorCode] = {
    "APIConnectionError": ErrorCode.PROVIDER_UNREACHABLE,
    "APIError": ErrorCode.PROVIDER_FAILED,
    "APIResponseValidationError": ErrorCode.PROVIDER_FAILED,
    "AuthenticationError": ErrorCode.PROVIDER_KEY_REFUSED,
    "BadGatewayError": ErrorCode.PROVIDER_FAILED,
    "BadRequestError": ErrorCode.PROVIDER_BAD_REQUEST,
    "BlockedPiiEntityError": ErrorCode.CONTENT_FILTERED,
    "BudgetExceededError": ErrorCode.PROVIDER_PAYMENT_REQUIRED,
    "ContentPolicyViolationError": ErrorCode.CONTENT_FILTERED,
    "ContextWindowExceededError": ErrorCode.CONTEXT_OVERFLOW,
    "GuardrailRaisedException": ErrorCode.CONTENT_FILTERED,
    "ImageFetchError": ErrorCode.PROVIDER_BAD_REQUEST,
    "InternalServerError": ErrorCode.PROVIDER_FAILED,
    "InvalidRequestError": ErrorCode.PROVIDER_BAD_REQUEST,
    "JSONSchemaValidationError": ErrorCode.PROVIDER_FAILED,
    "LiteLLMUnknownProvider": ErrorCode.PROVIDER_MODEL_NOT_FOUND,
    "MidStreamFallbackError": ErrorCode.PROVIDER_STREAM_CUT,
    "MockException": ErrorCode.PROVIDER_FAILED,
    "ModelNotMappedError": ErrorCode.PROVIDER_MODEL_NOT_FOUND,
    "ModifyResponseException": ErrorCode.CONTENT_FILTERED,
    "NotFoundError": ErrorCode.PROVIDER_MODEL_NOT_FOUND,
    "OpenAIError": ErrorCode.PROVIDER_FAILED,
    "PaymentRequiredError": ErrorCode.PROVIDER_PAYMENT_REQUIRED,
    "PermissionDeniedError": ErrorCode.PROVIDER_FORBIDDEN,
    "RateLimitError": ErrorCode.PROVIDER_RATE_LIMITED,
    "RejectedRequestError": ErrorCode.CONTENT_FILTERED,
    "SensitiveDataRouteException": ErrorCode.CONTENT_FILTERED,
    "ServiceUnavailableError": ErrorCode.PROVIDER_OVERLOADED,
    "Timeout": ErrorCode.PROVIDER_TIMEOUT,
    "UnprocessableEntityError": ErrorCode.PROVIDER_BAD_REQUEST,
    "UnsupportedParamsError": ErrorCode.PROVIDER_BAD_REQUEST,
    "VectorStoreSearchError": ErrorCode.PROVIDER_BAD_REQUEST,
}
"""For what is raised before anybody was asked. Once somebody was, the answer counts."""
