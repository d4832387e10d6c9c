// The groups, in the order in which they run: what leaves traces in the neighbour table comes late.

import type { Group } from "../point.js";
import arp from "./arp.js";
import echo from "./echo.js";
import errors from "./errors.js";
import header from "./header.js";
import martian from "./martian.js";
import mtu from "./mtu.js";
import neighbour from "./neighbour.js";
import options from "./options.js";
import reassembly from "./reassembly.js";
import routes from "./routes.js";
import transport from "./transport.js";
import ttl from "./ttl.js";

export const GROUPS: Group[] = [header, ttl, routes, martian, echo, transport, errors, options, mtu, reassembly, arp, neighbour];
