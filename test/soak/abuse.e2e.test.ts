// Every kind of abuse in its short form, against one router: test/soak/abuse.ts has the long one.

import { test } from "uvu";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { routed } from "../e2e/weft.js";
import { Lab } from "./lab.js";
import { judge } from "./scenario.js";
import { SCENARIOS, SHORT } from "./sizes.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const lab = await Lab.start("af_packet");
for (const scenario of SCENARIOS) test(scenario.name, async () => void (await judge(lab, scenario, SHORT)));
test("the router stops with nothing missing", () => {
  lab.dismissPeers();
  return routed([lab.a, lab.b], lab.weft, async () => {});
});

test.run();
