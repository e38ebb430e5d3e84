// The floor of the benchmark: a compiled program that does nothing, and leaves or stays.
if (process.argv.includes("stay")) setInterval(() => undefined, 2 ** 30);
