import { Circle, Shape, type Point, Rectangle } from "./geometry/shapes.ts";
import { total as sum, describe } from "./geometry/measure.js";
import type { Logger } from "./log.ts";
import { Level, makeLogger } from "./log.ts";
import * as inventory from "./inventory.mts";
import defaults from "./defaults.json" with { type: "json" };

const lines: string[] = [];
const log: Logger = makeLogger((line: string): void => void lines.push(line), Level.Info);

const origin = { x: 0, y: 0 } satisfies Point;
const shapes: readonly Shape[] = [new Circle(origin, 2), new Rectangle({ x: 1, y: 1 }, 3, 4)];

for (const shape of shapes) {
    log(Level.Info, describe(shape));
}
log(Level.Debug, "is not shown");
log(Level.Warning, `in all ${sum(shapes).toFixed(2)}`);

const stock = new inventory.Stock<"pear" | "plum">(defaults.currency as string);
stock.add("pear", 2, 0.5)!.add("plum", 3, 0.25);
log(Level.Info, stock.report());
log(Level.Info, inventory.Format.money(stock.worth, defaults.currency));
log(Level.Info, `calls: ${inventory.calls.join(" ")}`);

const first = <T,>(items: readonly T[]): T | undefined => items[0];
log(Level.Info, `${first(shapes)?.name} ${Level[Level.Error]} ${Object.keys(inventory.Sizes)}`);

abstract class Counter {
    static #made = 0;
    protected constructor(public readonly label: string, private count = 0) {
        Counter.#made++;
    }
    abstract step(): number;
    next(): this {
        this.count += this.step();
        return this;
    }
    get value(): number {
        return this.count;
    }
    static get made(): number {
        return Counter.#made;
    }
}
class ByTwo extends Counter {
    declare readonly unit: string;
    constructor() {
        super("two", 1);
    }
    override step(): number {
        return 2;
    }
}
const counter: Counter = new ByTwo().next().next();
log(Level.Info, `${counter.label} ${counter.value} ${Counter.made} ${"unit" in counter}`);

function overloaded(value: string): string;
function overloaded(value: number): number;
function overloaded(value: unknown): unknown {
    return value;
}
log(Level.Info, `${overloaded("a")}${overloaded(1)}`);

export { lines };
