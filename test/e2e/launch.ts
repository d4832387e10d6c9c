// The program `weft` without the set-up's check for what is stale: the tests start it often, and their runner has made that check.

import { main } from "../../host/cli/main.js";

process.exit(await main(process.argv.slice(2)));
