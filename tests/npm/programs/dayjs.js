const dayjs = module.exports;
const show = (label, value) => console.log(label + " " + JSON.stringify(value));
// Wall-clock parts only, so that the machine's time zone never shows.
const wall = "YYYY-MM-DD HH:mm:ss.SSS";
const at = (text) => dayjs(text).format(wall);

show("parse", ["2024-02-29", "2024-2-9 3:04:05.6", "20240131", "2024", "2024-12", "2024-03-01T23:59:59.999", "2023-02-31"].map(at));
show("invalid", ["", "nonsense", null, NaN, [], {}].map((value) => [dayjs(value).isValid(), dayjs(value).format()]));
show("fields", [2024, 1, 29, 4, 13, 7, 5, 89].map((_, i) => dayjs("2024-02-29 13:07:05.089")[["year", "month", "date", "day", "hour", "minute", "second", "millisecond"][i]]()));
show("format", dayjs("2005-01-02 03:04:05.067").format("YY YYYY M MM MMM MMMM D DD d dd ddd dddd H HH h hh A a m mm s ss SSS [literal YYYY] [é年]"));
show("hours", Array.from({ length: 24 }, (_, h) => dayjs("2024-06-15").hour(h).format("hA")));

// Arithmetic at the ends of months, years and leap years.
show("months", Array.from({ length: 14 }, (_, i) => dayjs("2024-01-31").add(i, "month").format("YYYY-MM-DD")));
show("leap", [dayjs("2024-02-29").add(1, "year"), dayjs("2024-02-29").subtract(4, "year"), dayjs("1900-02-28").add(1, "day"), dayjs("2000-02-28").add(1, "day")].map((d) => d.format("YYYY-MM-DD")));
show("days in month", Array.from({ length: 12 }, (_, i) => [dayjs(new Date(2023, i, 1)).daysInMonth(), dayjs(new Date(2024, i, 1)).daysInMonth()]));
show("units", ["ms", "s", "m", "h", "d", "w", "M", "y", "weeks", "Days"].map((unit) => dayjs("2024-06-15 12:00").add(3, unit).format(wall)));
show("start and end", ["year", "month", "week", "day", "hour", "minute", "second", "date"].map((unit) => [dayjs("2024-02-15 10:20:30.400").startOf(unit).format(wall), dayjs("2024-02-15 10:20:30.400").endOf(unit).format(wall)]));
show("set", [dayjs("2024-03-31").set("month", 1), dayjs("2024-02-29").set("year", 2023), dayjs("2024-06-15").day(0), dayjs("2024-06-15").set("date", 0), dayjs("2024-06-15").set("hour", 25)].map((d) => d.format(wall)));

const early = dayjs("2023-11-30 08:00"), late = dayjs("2024-02-29 20:30:15");
show("diff", ["year", "quarter", "month", "week", "day", "hour", "minute", "second", "ms"].map((unit) => [late.diff(early, unit), early.diff(late, unit)]));
show("diff exact", [late.diff(early, "week", true), late.diff(early, "hour", true)].map((n) => n.toFixed(6)));
show("compare", [early.isBefore(late), early.isAfter(late), early.isSame("2023-11-01", "month"), late.isSame("2024-01-01", "year"), late.isBefore("2024-03-01", "month")]);
show("immutable", [early.add(1, "day") === early, early.clone() !== early, early.format(wall)]);

// A locale and two plugins of our own; the published ones are separate files.
dayjs.locale({
  name: "nn",
  weekdays: "søndag_måndag_tysdag_onsdag_torsdag_fredag_laurdag".split("_"),
  months: "januar_februar_mars_april_mai_juni_juli_august_september_oktober_november_desember".split("_"),
  weekStart: 1,
  ordinal: (n) => n + ".",
  formats: { L: "DD.MM.YYYY" },
}, null, true);
show("locale", [dayjs("2024-06-16").locale("nn").format("dddd D. MMMM [年] ddd MMM dd"), dayjs("2024-06-16").locale("nn").startOf("week").format("YYYY-MM-DD"), dayjs("2024-06-16").startOf("week").format("YYYY-MM-DD"), dayjs.locale(), Object.keys(dayjs.Ls)]);
dayjs.extend((option, Dayjs, factory) => {
  Dayjs.prototype.isoWeek = function () {
    const thursday = this.add(4 - (this.day() || 7), "day");
    return 1 + Math.floor((thursday.diff(factory(new Date(thursday.year(), 0, 1)), "hour") + 2) / 24 / 7);
  };
  const format = Dayjs.prototype.format;
  Dayjs.prototype.format = function (template) {
    return format.call(this, template && template.replace(/\[.*?\]|WW|Q/g, (token) => (token === "WW" ? String(this.isoWeek()).padStart(option.pad, "0") : token === "Q" ? Math.ceil((this.month() + 1) / 3) : token)));
  };
}, { pad: 3 });
show("plugin", ["2020-12-31", "2021-01-01", "2021-01-04", "2024-12-30", "2026-06-01"].map((text) => dayjs(text).format("YYYY Q WW [WW]")));

// Every day of forty years, checked against the day before.
let day = dayjs("1990-01-01"), sum = 0, wrong = 0;
for (let i = 0; i < 14610; i++) {
  const next = day.add(1, "day");
  if (next.diff(day, "day") !== 1 || (day.day() + 1) % 7 !== next.day()) wrong++;
  sum = (sum * 31 + next.year() * 10000 + next.month() * 100 + next.date()) % 1000000007;
  day = next;
}
show("forty years", [day.format("YYYY-MM-DD dddd"), wrong, sum]);
