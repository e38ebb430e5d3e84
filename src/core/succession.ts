// What comes in one conversation in one moment: handed over in its order, without each waiting for the disk by itself.
import { Failure } from "./failure.ts";

/** The happenings of one conversation that are under way together. */
export interface Succession {
  /** One of them could not be taken: none behind it is, so that they come again in their order. */
  broken: boolean;
}

/** The place of one happening in it. */
export interface Behind {
  succession: Succession;
  /** Resolves when all before it are over, however that went; never rejects. */
  before: Promise<unknown>;
  /** To be called once what comes next cannot overtake it any more; without a call that is when it is over. */
  placed(): void;
}

/** @throws Failure `store` behind one that could not be taken. */
export function assertUnbroken({ succession }: Pick<Behind, "succession">): void {
  if (succession.broken) throw new Failure("store", "Cannot take this yet: what came before it could not be stored");
}

/** Resolves when it is its turn alone. @throws Failure `store` behind one that could not be taken. */
export async function untilAlone(behind: Behind): Promise<void> {
  await behind.before;
  assertUnbroken(behind);
}
