// The questions of `setup`. An answer is kept until it is given anew: a failed trial loses none of them.
import { resolve } from "node:path";
import type { Config } from "../../config/load.ts";
import type { SecretRef } from "../../config/secret.ts";
import { type FailureData, failureText } from "../../core/failure.ts";
import { providers } from "../../models/providers.ts";
import { customApis } from "../../models/routes.ts";
import { type Answers, withoutProvider } from "./answers.ts";
import type { Prompt } from "./prompt.ts";

/** What the wizard needs to know and to do. */
export interface WizardDeps {
  environment: Config["environment"];
  /** Tries a choice; undefined when the model answered. @throws Failure for settings that are wrong in themselves. */
  attempt(answers: Answers): Promise<FailureData | undefined>;
  /** What was chosen before, by somebody who left before it worked. */
  before?: Answers | undefined;
  /** Keeps a choice for whoever leaves now and comes back. */
  keep?(answers: Answers): Promise<void>;
}

const offered = ["anthropic", "openai", "google", "openrouter", "mistral"] as const;

/** Asks until there is a choice that works or that the person keeps all the same. */
export async function interview(prompt: Prompt, deps: WizardDeps): Promise<Answers> {
  prompt.say("Which language model shall the agent think with?");
  let answers = (await askBefore(prompt, deps)) ?? (await choose(prompt, deps));
  for (;;) {
    await deps.keep?.(answers);
    if (answers.kind !== "known" && answers.kind !== "own") return answers;
    prompt.say("Asking the model for one word …");
    const failure = await deps.attempt(answers);
    if (failure === undefined) {
      prompt.say(`It answers: ${answers.provider}/${answers.model}`);
      return answers;
    }
    prompt.say(failureText(failure));
    const next = await prompt.choose("What now?", [
      { value: "again", label: "Try again" },
      { value: "key", label: "Give the key anew" },
      { value: "model", label: "Give the model's name anew" },
      { value: "other", label: "Choose something else" },
      { value: "keep", label: "Keep it as it is" },
    ] as const);
    if (next === "keep") return answers;
    if (next === "key") answers = { ...answers, key: await askKey(prompt, { provider: answers.provider, deps }) };
    if (next === "model") answers = { ...answers, model: await askName(prompt, answers.provider, answers.model) };
    if (next === "other") answers = await choose(prompt, deps);
  }
}

/** The choice of an earlier run, if the person goes on with it; a key that was pasted then is not kept. */
async function askBefore(prompt: Prompt, deps: WizardDeps): Promise<Answers | undefined> {
  const { before } = deps;
  if (before?.kind !== "known" && before?.kind !== "own") return undefined;
  const { provider, model, key } = before;
  if (!(await prompt.yes(`Go on with ${provider}/${model}, as you chose before?`, true))) return undefined;
  if (key !== undefined) return before;
  const wanted = before.kind === "known" || (await prompt.yes("Does it want a key?", false));
  return wanted ? { ...before, key: await askKey(prompt, { provider, deps }) } : before;
}

async function choose(prompt: Prompt, deps: WizardDeps): Promise<Answers> {
  const chosen = await prompt.choose<string | null | undefined | false>("Provider", [
    ...offered.map((name) => ({ value: name, label: labelOf(name, deps) })),
    { value: undefined, label: "Another provider, by its name" },
    { value: null, label: "A server of my own (llama.cpp, vLLM, Ollama, LM Studio, a gateway)" },
    { value: false, label: "None yet: stay with the offline demo" },
  ]);
  if (chosen === false) return { kind: "demo" };
  if (chosen === null) return await askServer(prompt, deps);
  const provider = chosen ?? (await askProvider(prompt));
  const key = await askKey(prompt, { provider, deps });
  const model = await askName(prompt, provider, providers[provider]?.preferred);
  return { kind: "known", provider, model, ...(key === undefined ? {} : { key }) };
}

function labelOf(name: string, { environment }: WizardDeps): string {
  const variable = providers[name]?.env.find((candidate) => environment(candidate) !== undefined);
  return variable === undefined ? name : `${name} (${variable} is set)`;
}

async function askProvider(prompt: Prompt): Promise<string> {
  for (;;) {
    const name = (await prompt.line("Its name")).toLowerCase();
    if (Object.hasOwn(providers, name)) return name;
    prompt.say(`Known are: ${Object.keys(providers).join(", ")}`);
  }
}

/** Undefined: the provider's own variable, which is read without being named. */
async function askKey(
  prompt: Prompt,
  { provider, deps }: { provider: string; deps: WizardDeps },
): Promise<SecretRef | undefined> {
  const variable = providers[provider]?.env.find((name) => deps.environment(name) !== undefined);
  const source = await prompt.choose("Where is the key?", [
    ...(variable === undefined ? [] : [{ value: "found", label: `In ${variable}, as it is set now` } as const]),
    { value: "paste", label: "I paste it here (kept in settings.json, readable by you alone)" } as const,
    { value: "env", label: "In a variable" } as const,
    { value: "file", label: "In a file" } as const,
  ]);
  if (source === "paste") return await prompt.secret("Key");
  if (source === "file") return { file: resolve(await prompt.line("Path of the file")) };
  if (source === "found" && variable !== undefined) return { env: variable };
  return { env: await askVariable(prompt, providers[provider]?.env[0]) };
}

async function askVariable(prompt: Prompt, fallback: string | undefined): Promise<string> {
  for (;;) {
    const name = await prompt.line("Name of the variable", fallback);
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
    // Whoever pastes the key here must not find it in the settings as a name.
    prompt.say("A name has letters, digits and _ alone");
  }
}

async function askName(prompt: Prompt, provider: string, fallback: string | undefined): Promise<string> {
  return withoutProvider(await prompt.line("Model", fallback), provider);
}

async function askServer(prompt: Prompt, deps: WizardDeps): Promise<Answers> {
  const provider = await askServerName(prompt);
  const baseUrl = await askAddress(prompt);
  const api = await prompt.choose(
    "What does it speak?",
    ["openai-completions" as const, ...customApis.filter((name) => name !== "openai-completions")].map((name) => ({
      value: name,
      label: name,
    })),
  );
  const model = await prompt.line("Name of the model as the server knows it");
  const key = (await prompt.yes("Does it want a key?", false)) ? await askKey(prompt, { provider, deps }) : undefined;
  return { kind: "own", provider, model, baseUrl, api, ...(key === undefined ? {} : { key }) };
}

async function askServerName(prompt: Prompt): Promise<string> {
  for (;;) {
    const name = await prompt.line("A short name for it", "local");
    if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(name) && !Object.hasOwn(providers, name)) return name;
    prompt.say("Letters, digits, - and _, and no name of a known provider");
  }
}

async function askAddress(prompt: Prompt): Promise<string> {
  for (;;) {
    const address = await prompt.line("Its address", "http://127.0.0.1:8080/v1");
    if (/^https?:$/.test(URL.parse(address)?.protocol ?? "")) return address;
    prompt.say("An address begins with http:// or https://");
  }
}
