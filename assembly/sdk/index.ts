// What a node author imports, as weft/sdk. Accessors of a protocol are in weft/wire/.

export * from "./buffer";
export * from "./config";
export * from "./declare";
export * from "./imports";
export * from "./tables";
export * from "./vector";
