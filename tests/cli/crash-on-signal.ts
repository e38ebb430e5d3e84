// Loaded ahead of the program by tests: SIGUSR2 becomes an error that nobody catches, as a defect would be.
process.on("SIGUSR2", () => {
  throw new Error("a defect");
});
