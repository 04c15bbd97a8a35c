// Loaded into the worker's process before the command itself (node --import). Invariant: when the demo is gone, for whatever reason
// (kill -9 too), so is the worker. Nothing else would end it: it would wait for its database for ever, as it should in production.
// The kernel closes the channel to the demo whatever the demo died of.
process.once('disconnect', () => process.exit(1));
process.channel?.unref(); // which must not keep the worker alive, either
