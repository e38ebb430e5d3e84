// The home page of a person: what runs, with a button to stop it, and what is scheduled.
import { limits } from "../../core/limits.ts";
import { ago, excerpt } from "../../core/words.ts";
import type { HomeView } from "../adapter.ts";
import type { Block } from "./format.ts";
import { type HomeStop, homeStopAction } from "./interactive.ts";
import { entities } from "./text.ts";

const titleCharsMax = 100;
const settingsUrl = "https://api.slack.com/apps";

/** The blocks of a home page; somebody who is nobody here sees no more than that. */
export function homeBlocks(view: HomeView | undefined, now: number): Block[] {
  if (view === undefined) {
    return [
      words(
        "Nobody has let you in here yet. Write to the app in its *Messages* tab: it tells you your id, which the owner needs.",
      ),
    ];
  }
  const turns = view.turns.slice(0, limits.homeRowsMax).flatMap((turn): Block[] => {
    const quiet = now - turn.activeAt >= limits.homeQuietMs ? ` · nothing for ${ago(now - turn.activeAt, "")}` : "";
    const doing = turn.doing === "" ? "thinks" : turn.doing;
    const text = `*${entities(excerpt(turn.title, titleCharsMax)) || "A task"}*\n${entities(excerpt(doing, titleCharsMax))} · since ${ago(now - turn.startedAt, "")}${quiet}`;
    const place: HomeStop = {
      conversation: turn.conversation,
      ...(turn.thread === undefined ? {} : { thread: turn.thread }),
    };
    return [{ ...words(text), accessory: stopButton(place) }];
  });
  const schedules = view.schedules.slice(0, limits.homeRowsMax).map(({ file, nextAt }) => {
    const seconds = Math.floor(nextAt / 1000);
    return words(
      `\`${entities(file.replaceAll("`", "'"))}\` · <!date^${seconds}^{date_short_pretty} {time}|${new Date(nextAt).toISOString()}>`,
    );
  });
  return [
    header("Running now"),
    ...(turns.length === 0 ? [words("_Nothing runs._")] : turns),
    header("Scheduled"),
    ...(schedules.length === 0 ? [words("_Nothing is scheduled._")] : schedules),
    { type: "divider" },
    {
      type: "context",
      elements: [
        { type: "mrkdwn", text: `\`/remoteagent help\` lists the commands · <${settingsUrl}|This app's settings>` },
      ],
    },
  ];
}

function stopButton(place: HomeStop): object {
  return {
    type: "button",
    action_id: homeStopAction,
    style: "danger",
    text: { type: "plain_text", text: "Stop" },
    value: JSON.stringify(place),
  };
}

function header(text: string): Block {
  return { type: "header", text: { type: "plain_text", text } };
}

function words(text: string): Block {
  return { type: "section", text: { type: "mrkdwn", text, verbatim: true } };
}
