// The floor of the benchmark: a compiled program that does nothing but say one word, and then leaves or stays.
process.stdout.write("ready\n");
if (process.argv.includes("stay")) setInterval(() => undefined, 2 ** 30);
