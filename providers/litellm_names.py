"""The provider names of litellm that were seen to keep to the client they are given.

litellm takes a client per call, but not every provider's code uses it, and some only one of the right
class; the others make one of their own, which nobody guards. So a name that is not here is not called.
A test calls each of them.
"""

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
