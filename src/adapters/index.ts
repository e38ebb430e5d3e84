// The table of the family. The terminal is always there; the platforms join by their type in settings.
export { openTerminal, type Terminal, terminalTraits } from "./terminal/index.ts";
