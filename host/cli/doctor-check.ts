/** A row of `weft doctor`. */
export interface DoctorCheck {
  name: string;
  /** false: weft does not work without it; "warn": a part of it does not */
  ok: boolean | "warn";
  found: string;
  /** what to do; empty where nothing is to be done */
  hint: string;
}
