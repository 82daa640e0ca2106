/**
 * Numbers and times as people read them. Amounts are exact decimal text and stay that: they are rounded and grouped
 * digit by digit, never as binary fractions. Times are shown in UTC.
 */

const NONE = "–";

/** Write money to the cent, rounded half to even, with its thousands grouped; a dash for null. */
export function money(amount) {
  return amount === null || amount === undefined ? NONE : grouped(rounded(amount, 2));
}

/** Write money as `money` does, a gain with a plus. */
export function change(amount) {
  const text = money(amount);
  return sign(amount) > 0 && text !== "0.00" ? `+${text}` : text;
}

/** Group the thousands of decimal text: `1234.50` is `1,234.50`. */
export function grouped(amount) {
  const [, minus, whole, rest] = /^(-?)(\d+)(.*)$/.exec(amount) ?? [null, "", amount, ""];
  return `${minus ? "−" : ""}${whole.replace(/\B(?=(\d{3})+$)/g, ",")}${rest}`;
}

/**
 * Round decimal text half to even.
 *
 * @param {string} amount such as `-1.005`.
 * @param {number} digits behind the point.
 * @returns {string}
 */
function rounded(amount, digits) {
  const [, minus, whole, part = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(amount) ?? [null, "", "0"];
  let scaled = BigInt(whole + part.slice(0, digits).padEnd(digits, "0"));
  const rest = part.slice(digits).replace(/0+$/, "");
  if (rest > "5" || (rest === "5" && scaled % 2n === 1n)) scaled += 1n;
  const text = scaled.toString().padStart(digits + 1, "0");
  const shown = digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text;
  return minus && scaled !== 0n ? `-${shown}` : shown;
}

/**
 * Take one decimal text from another, exactly.
 *
 * @returns {string} with as many digits behind the point as the more precise one.
 */
export function difference(left, right) {
  const digits = Math.max(...[left, right].map((each) => (each.split(".")[1] ?? "").length));
  const scaled = (text) => {
    const [whole, part = ""] = text.split(".");
    return BigInt(whole + part.padEnd(digits, "0"));
  };
  const found = scaled(left) - scaled(right);
  const text = (found < 0n ? -found : found).toString().padStart(digits + 1, "0");
  return `${found < 0n ? "-" : ""}${digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text}`;
}

/** Whether decimal text or a number is above zero (1), below (-1) or neither (0). */
export function sign(amount) {
  if (typeof amount === "number") return Math.sign(amount);
  if (!/[1-9]/.test(amount ?? "")) return 0;
  return amount.startsWith("-") ? -1 : 1;
}

/** The class that colours an amount. */
export function signClass(amount) {
  return ["loss", "", "profit"][sign(amount) + 1];
}

/** Write a fraction as a percentage: 0.0123 is `1.23 %`. */
export function percent(fraction, digits = 2) {
  if (fraction === null || fraction === undefined) return NONE;
  return `${minus((fraction * 100).toFixed(digits))} %`;
}

/** Write a plain number with so many digits behind the point. */
export function number(value, digits = 2) {
  if (value === null || value === undefined) return NONE;
  return minus(value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
}

/** Write a count: `12,345`. */
export function count(value) {
  return value === null || value === undefined ? NONE : value.toLocaleString("en");
}

/** Write how many there are of something: `1 trade`, `2 trades`. */
export function counted(value, singular) {
  return `${count(value)} ${singular}${value === 1 ? "" : "s"}`;
}

/** Write a rate in three digits: `1.25 M`. */
export function rate(value) {
  for (const [size, unit] of [[1e9, " G"], [1e6, " M"], [1e3, " k"]]) {
    if (value >= size) return `${Number((value / size).toPrecision(3))}${unit}`;
  }
  return String(Number(value.toPrecision(3)));
}

/** Write an RFC 3339 time as UTC date and minute, with seconds where there are any. */
export function moment(time) {
  if (!time) return NONE;
  const text = new Date(time).toISOString();
  const seconds = text.slice(17, 19);
  return `${text.slice(0, 10)} ${text.slice(11, 16)}${seconds === "00" ? "" : `:${seconds}`}`;
}

/** Write hours with their two largest units: `2d 4h`. */
export function duration(hours) {
  if (hours === null || hours === undefined) return NONE;
  let left = Math.round(hours * 3600);
  const parts = [];
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]]) {
    if (left >= size) parts.push(`${count(Math.floor(left / size))}${unit}`);
    left %= size;
  }
  return parts.slice(0, 2).join(" ") || "0s";
}

/** Write a name of the program's for people: `stop_loss` is `stop loss`. */
export function words(name) {
  return name.replaceAll("_", " ");
}

function minus(text) {
  const shown = /[1-9]/.test(text) ? text : text.replace("-", "");
  return shown.replace("-", "−");
}
