// Every bound of the program, by name; the parts are those of the house.
import { doors } from "./limits/doors.ts";
import { instance } from "./limits/instance.ts";
import { work } from "./limits/work.ts";

export const limits = { ...work, ...instance, ...doors } as const;
