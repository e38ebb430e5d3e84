// The contract of the family, on every adapter.
import { setDefaultTimeout } from "bun:test";
import { discord } from "./discord.ts";
import { lines } from "./lines.ts";
import { slack } from "./slack.ts";
import { adapterContract } from "./suite.ts";
import { telegram } from "./telegram.ts";
import { terminal } from "./terminal.ts";

setDefaultTimeout(60_000);

adapterContract(terminal);
adapterContract(telegram);
adapterContract(slack);
adapterContract(discord);
adapterContract(lines);
