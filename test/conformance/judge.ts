// What a difference to Linux means. "worse" unless a rule here says otherwise, and a rule holds only for the answer that it names:
// when the router's answer changes, the difference is "worse" until somebody has looked at it.

import type { Observed } from "./observe.js";

/** better: a specification asks for it and Linux does not do it; allowed: the specification leaves it open */
export type Verdict = "same" | "better" | "allowed" | "worse";

export interface Judgement {
  verdict: Verdict;
  why: string;
}

interface Rule {
  /** "group: point" */
  points: RegExp;
  answer: (router: string, linux: string) => boolean;
  verdict: "better" | "allowed";
  why: string;
}

const silent = (router: string): boolean => router === "";
const like = (pattern: RegExp) => (router: string): boolean => pattern.test(router) && !router.includes("\n");
/** The same but for what Linux changed in the packets that its errors quote. */
const quotesUnchanged = (router: string, linux: string): boolean => router === linux.replace(/ but [0-9a-f:→ -]+…?$/gm, "");
const without = (pattern: RegExp) => (router: string): boolean => !pattern.test(router);

export const RULES: Rule[] = [
  { points: /^martian: source (0\.1\.2\.3|240\.0\.0\.1), through/, answer: silent,
    verdict: "better", why: "RFC 1812 5.3.7: sources in 0/8 and, RFC 6890, in 240/4 are not forwarded" },
  { points: /^martian: source 198\.51\.100\.(255|0), echo/, answer: silent,
    verdict: "better", why: "RFC 1812 5.3.7: a broadcast address is nobody's source" },
  { points: /^martian: source (198\.51\.100|203\.0\.113)\.(255|0), through/, answer: silent,
    verdict: "better", why: "RFC 1812 5.3.7: a broadcast address is nobody's source" },
  { points: /^martian: destination (0\.1\.2\.3|240\.0\.0\.1)$/, answer: silent,
    verdict: "allowed", why: "RFC 1812 5.3.7: a martian destination is dropped, silently or not" },
  { points: /^martian: .*\.0(,|$)/, answer: silent, verdict: "better", why: "RFC 1812 5.3.5: {network, 0} is a broadcast, not a host to ask for" },
  { points: /^martian: unicast echo in a (broad|multi)cast frame/, answer: silent,
    verdict: "better", why: "RFC 1122 3.3.6: unicast in a link broadcast is silently dropped" },
  { points: /^errors: source (198\.51\.100\.(255|0)|203\.0\.113\.255), no route/, answer: silent,
    verdict: "better", why: "RFC 1812 4.3.2.7: no error to a source that is not one host" },
  { points: /^errors: about ICMP type (40|200)$/, answer: like(/ICMP 3\/0 sum ok 00000000 quotes 40 of #1$/),
    verdict: "allowed", why: "RFC 1812 4.3.2.7 forbids errors about errors; these are none" },
  { points: /^errors: port unreachable, far address/, answer: like(/IP 198\.51\.100\.1>.*ICMP 3\/3 sum ok 00000000 quotes 44 of #1$/),
    verdict: "better", why: "RFC 1812 4.3.2.4: the source is an address of the interface that the error leaves by" },
  { points: /^errors: source behind another link, port unreachable$/, answer: like(/IP 203\.0\.113\.1>.*ICMP 3\/3 sum ok 00000000 quotes 44 of #1$/),
    verdict: "better", why: "RFC 1812 4.3.2.4: the source is an address of the interface that the error leaves by" },
  { points: /^neighbour: (one packet|each held|echo request|gateway that|host on)/, answer: quotesUnchanged,
    verdict: "better", why: "RFC 1812 4.3.2.3: the quote is as received; Linux has counted the TTL down (which the RFC tolerates)" },
  { points: /^routes: (between|to a gateway|echo request to|back to)/, answer: quotesUnchanged,
    verdict: "better", why: "RFC 1812 4.3.2.3: the quote is as received; Linux has counted the TTL down" },
  { points: /^neighbour: 150 packets/, answer: like(/101 of 150 packets \(the newest\) in order/),
    verdict: "allowed", why: "RFC 1122 2.3.2.2: at least the latest packet is kept" },
  { points: /^neighbour: the answer gives a group address/, answer: without(/ IP 198\.51\.100\.2>/),
    verdict: "better", why: "RFC 1812 3.3.2: an ARP reply with a group address is not believed" },
  { points: /^transport: UDP-Lite/, answer: like(/ICMP 3\/2 sum ok 00000000 quotes 44 of #1$/),
    verdict: "allowed", why: "RFC 1122 3.2.2.1: a protocol that is not there; Linux has it" },
  { points: /^echo: with DF/, answer: like(/ DF ttl 64 checksum ok \| ICMP 0\/0 sum ok/),
    verdict: "allowed", why: "RFC 791: DF is the sender's to choose; the reply is no longer than the request" },
  { points: /^arp: hardware type 6/, answer: silent,
    verdict: "allowed", why: "RFC 826: Ethernet is 1; RFC 1042's 6 is for IEEE 802 framing, which weft does not speak" },
  { points: /^arp: request for an address of another link/, answer: silent,
    verdict: "allowed", why: "RFC 1122 3.3.4.2: the strong model, in which an address belongs to its interface" },
  { points: /^arp: sender 240/, answer: silent,
    verdict: "better", why: "RFC 1812 5.3.7: nobody has an address in 240/4, so nobody is answered there" },
  { points: /^arp: sender MAC (ff|01|00):/, answer: silent,
    verdict: "better", why: "RFC 1812 3.3.2: ARP that claims a group address is not believed, nor answered to everybody" },
  { points: /^arp: reply that nobody asked for/, answer: like(/IP 203\.0\.113\.2>198\.51\.100\.41/),
    verdict: "allowed", why: "RFC 826: whoever speaks to us is entered, whatever the operation; Linux is more careful (arp_accept)" },
  { points: /^options: through: end of list/, answer: like(/options 00,ffffff checksum ok/),
    verdict: "allowed", why: "RFC 791 3.1: what is behind the end of the list means nothing; Linux clears it" },
  { points: /^options: .*asked of the link's broadcast address$/, answer: like(/options 440c0503 c63364ff 00000000 checksum ok/),
    verdict: "better", why: "RFC 1812 5.3.13.6: only an address of the router's own has its time" },
  { points: /^options: .*record route twice$/, answer: like(/ICMP 12\/0 sum ok 1b000000 quotes (60|76) of #1$/),
    verdict: "better", why: "RFC 1812 4.3.2.3: the quote is as received; Linux has filled in the first of the two" },
  { points: /^options: (time exceeded|no route) with record route/, answer: like(/ICMP (11|3)\/0 sum ok 00000000 quotes 60 of #1$/),
    verdict: "allowed", why: "RFC 1812 4.3.2.6 asks errors to carry source routes only" },
];

export function judge(point: string, linux: Observed, router: Observed): Judgement {
  if (same(linux, router)) return { verdict: "same", why: "" };
  const rule = RULES.find((one) => one.points.test(point) && one.answer(text(router), text(linux)));
  return rule ? { verdict: rule.verdict, why: rule.why } : { verdict: "worse", why: "" };
}

const text = ({ lines }: Observed): string => lines.join("\n");

export const same = (one: Observed, other: Observed): boolean => text(one) === text(other);
