import { addBusinessDays, addMonths, compareAsc, differenceInCalendarDays, eachWeekOfInterval, endOfISOWeek, format, formatDistance, formatISODuration, getISOWeek, intervalToDuration, isValid, parse, parseISO, roundToNearestMinutes, startOfQuarter } from "date-fns";
import { de } from "date-fns/locale";
const at = parseISO("2024-02-29T12:34:56.789Z");
console.log(format(at, "yyyy-MM-dd HH:mm:ss.SSS xxx EEEE do MMMM QQQ") + " " + format(at, "PPPPpp", { locale: de }));
console.log([addMonths(at, 12), addBusinessDays(at, 7), startOfQuarter(at), endOfISOWeek(at), roundToNearestMinutes(at, { nearestTo: 15 })].map((date) => date.toISOString()).join(" "));
console.log([getISOWeek(at), differenceInCalendarDays(parseISO("2025-01-01"), at), compareAsc(at, parseISO("2023-01-01")), eachWeekOfInterval({ start: at, end: addMonths(at, 1) }).length].join());
console.log(formatDistance(at, addMonths(at, 5)) + "; " + formatDistance(at, addMonths(at, 5), { locale: de, addSuffix: true }));
console.log(formatISODuration(intervalToDuration({ start: at, end: parseISO("2025-04-03T01:02:03Z") })));
console.log([parse("07/03/2021 5 PM", "dd/MM/yyyy h a", new Date(0)).toISOString(), isValid(parse("31/02/2021", "dd/MM/yyyy", new Date(0))), isValid(parseISO("2024-02-30"))].join());
