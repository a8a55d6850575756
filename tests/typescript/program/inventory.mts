export const calls: string[] = [];

function traced(label: string) {
    return function (target: object, name: string, descriptor: PropertyDescriptor): PropertyDescriptor {
        const method = descriptor.value as (...args: unknown[]) => unknown;
        return { ...descriptor, value(this: unknown, ...args: unknown[]) { calls.push(`${label}:${name}`); return method.apply(this, args); } };
    };
}

function sealed<C extends abstract new (...args: any[]) => object>(target: C): C {
    calls.push(`sealed:${target.name}`);
    Object.seal(target);
    return target;
}

const parameters: [string, number][] = [];
function noted(target: object, name: string, index: number): void {
    parameters.push([name, index]);
}

export const enum Sizes {
    Small = "S",
    Large = "L",
}

export namespace Format {
    const digits = 2;
    export namespace Symbols {
        export const of: Record<string, string> = { EUR: "€", USD: "$" };
    }
    export const money = (amount: number, currency: string): string =>
        `${amount.toFixed(digits)} ${Symbols.of[currency] ?? currency}`;
}

@sealed
export class Stock<K extends string> {
    private readonly items = new Map<K, { count: number; price: number }>();
    constructor(private readonly currency: string) {}

    @traced("stock")
    add(name: K, @noted count: number, price: number): this | null {
        this.items.set(name, { count, price });
        return this;
    }

    get worth(): number {
        let worth = 0;
        this.items.forEach(({ count, price }) => (worth += count * price));
        return worth;
    }

    report(): string {
        return [...this.items].map(([name, { count }]) => `${name}×${count}`).join(", ") + ` noted ${parameters.join()}`;
    }
}
