// The clock that packages read while they judge: Date is replaced before any of them is loaded.
const RealDate = Date;
let nowMs = null;

export function setClock(ms) {
  nowMs = ms;
}
export const realNow = () => RealDate.now();

const read = () => (nowMs === null ? RealDate.now() : nowMs);
class HeldDate extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(read());
    else super(...args);
  }
  static now() {
    return read();
  }
}
globalThis.Date = HeldDate;
