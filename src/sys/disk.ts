// Room on the disk, for doctor and for what is refused when it is full.
import { statfs } from "node:fs/promises";

/** Free bytes for this user on the file system that holds `path`. @throws the system's error when `path` is missing. */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
