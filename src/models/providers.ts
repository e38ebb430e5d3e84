// Which providers there are: a table of loaders, so that one used provider does not load forty others.
import type { Provider } from "@earendil-works/pi-ai";

/** The common wire protocols. */
export type Wire = "anthropic-messages" | "openai-completions" | "openai-responses" | "google-generative-ai";

/** One provider of the model library. */
export interface ProviderEntry {
  /** Any of these set means that it may be configured; the first is the one that hints name. */
  env: readonly string[];
  /** Further variables that it reads: regions, accounts, addresses. */
  extraEnv?: readonly string[];
  /** The model to start with; a provider without one is never chosen unasked. */
  preferred?: string;
  /** The protocol of all its models, where the library has nothing of its own between that and the caller. */
  wire?: Wire;
  load(): Promise<Provider>;
}

/** The library hides Bedrock's implementation from bundlers, so that it is named here, and loaded at the first request. */
async function loadBedrock(): Promise<Provider> {
  const [{ amazonBedrockProvider }, { lazyApi }] = await Promise.all([
    import("@earendil-works/pi-ai/providers/amazon-bedrock"),
    import("@earendil-works/pi-ai/api/lazy"),
  ]);
  const api = lazyApi(async () => (await import("@earendil-works/pi-ai/bedrock-provider")).bedrockProviderModule);
  return { ...amazonBedrockProvider(), ...api };
}

/**
 * Every provider of the library, by the id that settings and commands use. The order is the one in which
 * a model is chosen when settings name none. Those without `preferred` are left out of that choice because
 * their variables are set for other reasons as well (cloud accounts, `HF_TOKEN`) or need more than a key.
 */
export const providers: Readonly<Record<string, ProviderEntry>> = {
  anthropic: {
    env: ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_OAUTH_TOKEN"],
    preferred: "claude-sonnet-4-5",
    wire: "anthropic-messages",
    load: async () => (await import("@earendil-works/pi-ai/providers/anthropic")).anthropicProvider(),
  },
  openai: {
    env: ["OPENAI_API_KEY"],
    preferred: "gpt-5.5",
    wire: "openai-responses",
    load: async () => (await import("@earendil-works/pi-ai/providers/openai")).openaiProvider(),
  },
  google: {
    env: ["GEMINI_API_KEY"],
    preferred: "gemini-3.5-flash",
    load: async () => (await import("@earendil-works/pi-ai/providers/google")).googleProvider(),
  },
  openrouter: {
    env: ["OPENROUTER_API_KEY"],
    preferred: "anthropic/claude-sonnet-4.5",
    load: async () => (await import("@earendil-works/pi-ai/providers/openrouter")).openrouterProvider(),
  },
  xai: {
    env: ["XAI_API_KEY"],
    preferred: "grok-4.7",
    load: async () => (await import("@earendil-works/pi-ai/providers/xai")).xaiProvider(),
  },
  mistral: {
    env: ["MISTRAL_API_KEY"],
    preferred: "devstral-medium-latest",
    load: async () => (await import("@earendil-works/pi-ai/providers/mistral")).mistralProvider(),
  },
  deepseek: {
    env: ["DEEPSEEK_API_KEY"],
    preferred: "deepseek-v4-pro",
    load: async () => (await import("@earendil-works/pi-ai/providers/deepseek")).deepseekProvider(),
  },
  groq: {
    env: ["GROQ_API_KEY"],
    preferred: "openai/gpt-oss-120b",
    load: async () => (await import("@earendil-works/pi-ai/providers/groq")).groqProvider(),
  },
  cerebras: {
    env: ["CEREBRAS_API_KEY"],
    preferred: "gpt-oss-120b",
    load: async () => (await import("@earendil-works/pi-ai/providers/cerebras")).cerebrasProvider(),
  },
  moonshotai: {
    env: ["MOONSHOT_API_KEY"],
    preferred: "kimi-k3",
    load: async () => (await import("@earendil-works/pi-ai/providers/moonshotai")).moonshotaiProvider(),
  },
  zai: {
    env: ["ZAI_API_KEY"],
    preferred: "glm-5.3",
    load: async () => (await import("@earendil-works/pi-ai/providers/zai")).zaiProvider(),
  },
  minimax: {
    env: ["MINIMAX_API_KEY"],
    preferred: "MiniMax-M3",
    load: async () => (await import("@earendil-works/pi-ai/providers/minimax")).minimaxProvider(),
  },
  together: {
    env: ["TOGETHER_API_KEY"],
    preferred: "MiniMaxAI/MiniMax-M3",
    load: async () => (await import("@earendil-works/pi-ai/providers/together")).togetherProvider(),
  },
  fireworks: {
    env: ["FIREWORKS_API_KEY"],
    preferred: "accounts/fireworks/models/glm-5p3",
    load: async () => (await import("@earendil-works/pi-ai/providers/fireworks")).fireworksProvider(),
  },
  "vercel-ai-gateway": {
    env: ["AI_GATEWAY_API_KEY"],
    preferred: "anthropic/claude-sonnet-4.5",
    load: async () => (await import("@earendil-works/pi-ai/providers/vercel-ai-gateway")).vercelAIGatewayProvider(),
  },
  "amazon-bedrock": {
    env: [
      "AWS_BEARER_TOKEN_BEDROCK",
      "AWS_PROFILE",
      "AWS_ACCESS_KEY_ID",
      "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
      "AWS_CONTAINER_CREDENTIALS_FULL_URI",
      "AWS_WEB_IDENTITY_TOKEN_FILE",
    ],
    extraEnv: ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"],
    load: loadBedrock,
  },
  "ant-ling": {
    env: ["ANT_LING_API_KEY"],
    load: async () => (await import("@earendil-works/pi-ai/providers/ant-ling")).antLingProvider(),
  },
  "azure-openai-responses": {
    env: ["AZURE_OPENAI_API_KEY"],
    extraEnv: [
      "AZURE_OPENAI_BASE_URL",
      "AZURE_OPENAI_RESOURCE_NAME",
      "AZURE_OPENAI_API_VERSION",
      "AZURE_OPENAI_DEPLOYMENT_NAME_MAP",
    ],
    load: async () =>
      (await import("@earendil-works/pi-ai/providers/azure-openai-responses")).azureOpenAIResponsesProvider(),
  },
  baseten: {
    env: ["BASETEN_API_KEY"],
    load: async () => (await import("@earendil-works/pi-ai/providers/baseten")).basetenProvider(),
  },
  "cloudflare-ai-gateway": {
    env: ["CLOUDFLARE_API_KEY"],
    extraEnv: ["CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_GATEWAY_ID"],
    load: async () =>
      (await import("@earendil-works/pi-ai/providers/cloudflare-ai-gateway")).cloudflareAIGatewayProvider(),
  },
  "cloudflare-workers-ai": {
    env: ["CLOUDFLARE_API_KEY"],
    extraEnv: ["CLOUDFLARE_ACCOUNT_ID"],
    load: async () =>
      (await import("@earendil-works/pi-ai/providers/cloudflare-workers-ai")).cloudflareWorkersAIProvider(),
  },
  "github-copilot": {
    env: ["COPILOT_GITHUB_TOKEN"],
    load: async () => (await import("@earendil-works/pi-ai/providers/github-copilot")).githubCopilotProvider(),
  },
  "google-vertex": {
    env: ["GOOGLE_CLOUD_API_KEY", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"],
    extraEnv: ["GOOGLE_CLOUD_LOCATION", "GOOGLE_APPLICATION_CREDENTIALS"],
    load: async () => (await import("@earendil-works/pi-ai/providers/google-vertex")).googleVertexProvider(),
  },
  huggingface: {
    env: ["HF_TOKEN"],
    load: async () => (await import("@earendil-works/pi-ai/providers/huggingface")).huggingfaceProvider(),
  },
  "kimi-coding": {
    env: ["KIMI_API_KEY"],
    load: async () => (await import("@earendil-works/pi-ai/providers/kimi-coding")).kimiCodingProvider(),
  },
  meta: {
    env: ["META_API_KEY"],
    load: async () => (await import("@earendil-works/pi-ai/providers/meta")).metaProvider(),
  },
  "minimax-cn": {
    env: ["MINIMAX_CN_API_KEY"],
    load: async () => (await import("@earendil-works/pi-ai/providers/minimax-cn")).minimaxCnProvider(),
  },
  "moonshotai-cn": {
    env: ["MOONSHOT_API_KEY"],
    load: async () => (await import("@earendil-works/pi-ai/providers/moonshotai-cn")).moonshotaiCnProvider(),
  },
  nvidia: {
    env: ["NVIDIA_API_KEY"],
    load: async () => (await import("@earendil-works/pi-ai/providers/nvidia")).nvidiaProvider(),
  },
  "openai-codex": {
    env: [],
    load: async () => (await import("@earendil-works/pi-ai/providers/openai-codex")).openaiCodexProvider(),
  },
  opencode: {
    env: ["OPENCODE_API_KEY"],
    load: async () => (await import("@earendil-works/pi-ai/providers/opencode")).opencodeProvider(),
  },
  "opencode-go": {
    env: ["OPENCODE_API_KEY"],
    load: async () => (await import("@earendil-works/pi-ai/providers/opencode-go")).opencodeGoProvider(),
  },
  "qwen-token-plan": {
    env: ["QWEN_TOKEN_PLAN_API_KEY"],
    load: async () => (await import("@earendil-works/pi-ai/providers/qwen-token-plan")).qwenTokenPlanProvider(),
  },
  "qwen-token-plan-cn": {
    env: ["QWEN_TOKEN_PLAN_CN_API_KEY"],
    load: async () => (await import("@earendil-works/pi-ai/providers/qwen-token-plan-cn")).qwenTokenPlanCnProvider(),
  },
  "qwen-token-plan-individual": {
    env: ["QWEN_TOKEN_PLAN_API_KEY"],
    load: async () =>
      (await import("@earendil-works/pi-ai/providers/qwen-token-plan-individual")).qwenTokenPlanIndividualProvider(),
  },
  radius: {
    env: ["RADIUS_API_KEY"],
    load: async () => (await import("@earendil-works/pi-ai/providers/radius")).radiusProvider(),
  },
  xiaomi: {
    env: ["XIAOMI_API_KEY"],
    load: async () => (await import("@earendil-works/pi-ai/providers/xiaomi")).xiaomiProvider(),
  },
  "xiaomi-token-plan-ams": {
    env: ["XIAOMI_TOKEN_PLAN_AMS_API_KEY"],
    load: async () =>
      (await import("@earendil-works/pi-ai/providers/xiaomi-token-plan-ams")).xiaomiTokenPlanAmsProvider(),
  },
  "xiaomi-token-plan-cn": {
    env: ["XIAOMI_TOKEN_PLAN_CN_API_KEY"],
    load: async () =>
      (await import("@earendil-works/pi-ai/providers/xiaomi-token-plan-cn")).xiaomiTokenPlanCnProvider(),
  },
  "xiaomi-token-plan-sgp": {
    env: ["XIAOMI_TOKEN_PLAN_SGP_API_KEY"],
    load: async () =>
      (await import("@earendil-works/pi-ai/providers/xiaomi-token-plan-sgp")).xiaomiTokenPlanSgpProvider(),
  },
  "zai-coding-cn": {
    env: ["ZAI_CODING_CN_API_KEY"],
    load: async () => (await import("@earendil-works/pi-ai/providers/zai-coding-cn")).zaiCodingCnProvider(),
  },
};
