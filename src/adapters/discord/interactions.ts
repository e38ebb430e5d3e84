// Slash commands, buttons, lists and forms: acknowledged at once, then taken like everything else, then answered.
// Rules: docs.discord.com/developers/interactions/receiving-and-responding.
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { Inbound, Receipt, Sender } from "../../core/message.ts";
import type { AdapterDeps, MenuCommand } from "../adapter.ts";
import type { Channels } from "./channels.ts";
import type { Call, Client } from "./client.ts";
import { type Form, filledIn, modalOf } from "./components.ts";
import type { Interaction } from "./dispatches.ts";
import { codeOf, codes, isPassing, reasonOf, retryAfterOf } from "./errors.ts";
import { contentMax, renderCaption } from "./format.ts";
import { type Facts, readCommand, readPress, userOf } from "./inbound.ts";
import type { Lanes } from "./lanes.ts";
import { argsOption, modelCommand } from "./menu.ts";
import { pauseMs } from "./shards.ts";
import { type Ticket, type Tickets, ticketRoute } from "./tickets.ts";

const kinds = { command: 2, component: 3, autocomplete: 4, modal: 5 } as const;
const callbacks = { deferredMessage: 5, deferredUpdate: 6, autocomplete: 8, modal: 9 } as const;
const suppressEmbeds = 1 << 2;
const ephemeral = 1 << 6;
/** Discord's own bound of a list of suggestions. */
const suggestionsMax = 25;
/** Before the name of the command that a form is for. */
const formMark = "args:";
/** What is told in place of "thinking" when the answer comes as a message of its own. */
const begunText = "It has begun; the answer comes here.";

interface InteractionDeps extends Pick<AdapterDeps, "receive" | "log" | "clock" | "views" | "commands"> {
  client: Pick<Client, "call">;
  channels: Channels;
  lanes: Lanes;
  tickets: Tickets;
  facts(): Facts;
  /** Ends the tries when the adapter closes. */
  signal: AbortSignal;
}

/** What takes interactions. */
export function createInteractions(deps: InteractionDeps) {
  const { client, clock, log, lanes, tickets, channels } = deps;
  const commands = new Map(deps.commands.map((command) => [command.name, command] as const));

  /** Answers within the three seconds that Discord waits. @returns whether it may be answered further on. */
  const acknowledge = async (
    { id, token }: Interaction,
    answer: { type: number; data?: unknown },
  ): Promise<boolean> => {
    const began = clock.monotonic();
    for (;;) {
      try {
        await client.call({
          method: "POST",
          route: `/interactions/${id}/${token}/callback`,
          body: answer,
          auth: false,
        });
        return true;
      } catch (error) {
        if (codeOf(error) === codes.acknowledged) return true;
        const again = codeOf(error) === undefined && clock.monotonic() - began < limits.interactionAckMs;
        log[again ? "debug" : "info"]("An interaction was not acknowledged", { error: reasonOf(error) });
        if (!again) return false;
        await clock.sleep(limits.interactionAgainMs);
      }
    }
  };

  /**
   * Hands an inbound on in its channel's order, and ends what stands there for it. It does not wait until Discord takes
   * the acknowledgement: it may be a stop.
   */
  const take = (
    interaction: Interaction,
    { ticket, make }: { ticket: Ticket; make(): Promise<Inbound | undefined> },
  ) => {
    const run = async () => {
      const inbound = await make();
      const receipt: Receipt = inbound === undefined ? stale : await deps.receive(inbound);
      void settle(deps, { ticket, receipt });
    };
    if (!lanes.push({ lane: interaction.channel_id ?? "", urgent: true, run }))
      void settle(deps, { ticket, receipt: crowded });
  };
  const placeOf = async ({ channel_id: id = "", guild_id: guild, channel }: Interaction) =>
    channels.place(id, { guild, channel });
  /** Acknowledges an interaction; once, when it is told again. */
  const ticketOf = (
    interaction: Interaction,
    { user, deferred, answer }: { user: string; deferred: boolean; answer: { type: number; data?: unknown } },
  ): Ticket => {
    const { id, application_id: application, token, guild_id: guild } = interaction;
    const known = tickets.live(id);
    if (known !== undefined) return known;
    const acknowledged = acknowledge(interaction, answer);
    return tickets.add(id, { application, token, user, deferred, shared: guild !== undefined, acknowledged });
  };

  const command = (
    interaction: Interaction,
    { sender, name, args }: { sender: Sender; name: string; args: string },
  ) => {
    // In a server what the program says to one person is for that person alone.
    const data = interaction.guild_id === undefined ? {} : { data: { flags: ephemeral } };
    const answer = { type: callbacks.deferredMessage, ...data };
    const ticket = ticketOf(interaction, { user: sender.id, deferred: true, answer });
    const make = async () =>
      readCommand(interaction, { facts: deps.facts(), place: await placeOf(interaction), sender, name, args });
    take(interaction, { ticket, make });
  };

  const slash = async (interaction: Interaction, sender: Sender) => {
    const { name = "", options = [] } = interaction.data ?? {};
    const args = String(options.find((option) => option.name === argsOption)?.value ?? "");
    const form = args.trim() === "" ? await formFor(deps, { command: commands.get(name), sender }) : undefined;
    // The interaction is over with that: what is filled in comes as another one.
    if (form !== undefined)
      return void (await acknowledge(interaction, { type: callbacks.modal, data: modalOf(form) }));
    command(interaction, { sender, name, args });
  };
  const press = (interaction: Interaction, sender: Sender) => {
    const answer = { type: callbacks.deferredUpdate };
    const ticket = ticketOf(interaction, { user: sender.id, deferred: false, answer });
    const make = async () => readPress(interaction, { facts: deps.facts(), place: await placeOf(interaction), sender });
    take(interaction, { ticket, make });
  };
  const submitted = (interaction: Interaction, sender: Sender) => {
    const { custom_id: id = "", components } = interaction.data ?? {};
    const name = id.startsWith(formMark) ? id.slice(formMark.length) : "";
    command(interaction, { sender, name, args: filledIn(components) ?? "" });
  };
  const suggest = async (interaction: Interaction, sender: Sender) => {
    const typed = String(interaction.data?.options?.find(({ focused }) => focused === true)?.value ?? "").toLowerCase();
    const names = interaction.data?.name === modelCommand ? await modelsOf(deps, sender) : [];
    const fitting = names.filter((name) => name.toLowerCase().includes(typed) && name.length <= 100);
    const choices = fitting.slice(0, suggestionsMax).map((name) => ({ name, value: name }));
    await acknowledge(interaction, { type: callbacks.autocomplete, data: { choices } });
  };

  return {
    /** Takes one; never throws. */
    async interact(interaction: Interaction): Promise<void> {
      try {
        const sender = userOf(interaction);
        if (sender === undefined || interaction.channel_id === undefined)
          return log.debug("An interaction is nobody's");
        // A chat of several people without a server, to which somebody brought the bot along: not a place to answer in.
        if (interaction.guild_id === undefined && !channels.isDirect(interaction.channel))
          return log.debug("An interaction is of a place that is not ours");
        if (interaction.type === kinds.command) await slash(interaction, sender);
        else if (interaction.type === kinds.component) press(interaction, sender);
        else if (interaction.type === kinds.autocomplete) await suggest(interaction, sender);
        else if (interaction.type === kinds.modal) submitted(interaction, sender);
      } catch (error) {
        log.error("An interaction was skipped", { error: errorText(error) });
      }
    },
  };
}

/** For a button that is none of ours, or whose message is too old. */
const stale: Receipt = { state: "refused", reason: "This button works no more" };
/** For what comes when too much waits already. */
const crowded: Receipt = { state: "refused", reason: "Too much waits at the moment. Try it again in a minute" };

/** The form of a command that needs something and got nothing; undefined when it runs as it is. */
async function formFor(
  deps: InteractionDeps,
  { command, sender }: { command: MenuCommand | undefined; sender: Sender },
): Promise<Form | undefined> {
  if (command === undefined) return undefined;
  const { name, summary, args = "" } = command;
  const form = {
    id: `${formMark}${name}`,
    title: `/${name}`,
    label: summary.length <= 45 ? summary : `/${name}`,
    placeholder: args,
  };
  if (name === modelCommand) {
    const choices = await modelsOf(deps, sender);
    if (choices.length === 0) return undefined;
    return choices.length > suggestionsMax || choices.some((choice) => choice.length > 100)
      ? form
      : { ...form, choices };
  }
  return args.startsWith("<") ? form : undefined;
}

/** Names of models; none for a stranger, and none when they take longer than an answer may. */
async function modelsOf({ views, clock, log }: InteractionDeps, sender: Sender): Promise<readonly string[]> {
  if (views.home(sender.id) === undefined) return [];
  const over = new AbortController();
  try {
    return await Promise.race([
      views.models(),
      clock.sleep(limits.interactionAckMs / 2, over.signal).then((): string[] => []),
    ]);
  } catch (error) {
    log.debug("The models are not known", { error: errorText(error) });
    return [];
  } finally {
    over.abort();
  }
}

/** Ends what stands for the answer, or says what no delivery says. Never throws. */
async function settle(
  { client, clock, log, signal }: InteractionDeps,
  { ticket, receipt }: { ticket: Ticket; receipt: Receipt },
): Promise<void> {
  if (!(await ticket.acknowledged)) return;
  const call = closingOf(ticket, receipt);
  if (call === undefined) return;
  for (let count = 1; !signal.aborted; count += 1) {
    try {
      await client.call({ ...call, auth: false });
      return;
    } catch (error) {
      log.debug("An interaction was not answered", { error: reasonOf(error), count });
      const wait = retryAfterOf(error);
      // A note that may have been said is not said again.
      const again = call.method === "POST" ? wait !== undefined : isPassing(error);
      const ms = Math.max(pauseMs(clock, count), wait ?? 0);
      if (!again || count >= limits.receiveTriesMax || clock.monotonic() + ms >= ticket.until) return;
      await clock.sleep(ms, signal);
    }
  }
}

/** What is to be said or taken away after a receipt; nothing when a delivery does it. */
function closingOf(ticket: Ticket, receipt: Receipt): Call | undefined {
  const text = noteOf(receipt, ticket);
  const body = { content: text, allowed_mentions: { parse: [] }, flags: suppressEmbeds };
  if (!ticket.deferred) {
    return text === undefined
      ? undefined
      : { method: "POST", route: ticketRoute(ticket), body: { ...body, flags: suppressEmbeds | ephemeral } };
  }
  // A delivery is on its way, or was there first; what is told again was settled when it was told first.
  if (receipt.state === "duplicate" || ticket.first !== undefined) return undefined;
  if (receipt.state === "done" && receipt.answer !== undefined) return undefined;
  ticket.first = "receipt";
  const route = ticketRoute(ticket, "@original");
  return text === undefined ? { method: "DELETE", route } : { method: "PATCH", route, body };
}

/** What is shown of a receipt. */
function noteOf(receipt: Receipt, { deferred }: Ticket): string | undefined {
  switch (receipt.state) {
    case "refused":
      return receipt.quiet === true ? undefined : renderCaption(`${receipt.reason}.`).slice(0, contentMax) || undefined;
    case "done":
      return !deferred && receipt.answer?.noted === true
        ? renderCaption(receipt.answer.markdown) || undefined
        : undefined;
    case "waiting":
      return deferred ? begunText : undefined;
    default:
      return undefined;
  }
}
