// Loaded ahead of the program by tests: SIGUSR2 blocks its main loop for good, as a defect would. Other threads live on.
process.on("SIGUSR2", () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
