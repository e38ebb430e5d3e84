// Columns that share a width: the same for tables of the command line and of an answer.

/** Widths of columns in at most `room` cells, taken from the widest first; none is made narrower than `min`. */
export function columnWidths(natural: readonly number[], { room, min }: { room: number; min: number }): number[] {
  const sum = (cap: number) => natural.reduce((all, cells) => all + Math.min(cells, cap), 0);
  // The largest cap at which the capped widths fit.
  let low = min;
  let high = Math.max(min, ...natural);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (sum(middle) <= room) low = middle;
    else high = middle - 1;
  }
  // Less than one cell for each column that it cut is left over: they go to them from the left.
  let left = room - sum(low);
  return natural.map((cells) => {
    if (cells <= low) return cells;
    left -= 1;
    return left >= 0 ? low + 1 : low;
  });
}
