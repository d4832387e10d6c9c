// "Did you mean", for every layer: the command line and the graph alike.

export * from "./cli/nearest.js";
