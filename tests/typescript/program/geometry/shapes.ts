export interface Point {
    readonly x: number;
    readonly y: number;
}

export abstract class Shape {
    constructor(protected readonly at: Point) {}
    abstract get area(): number;
    abstract readonly name: string;
    where(): string {
        return `${this.at.x},${this.at.y}`;
    }
}

export class Circle extends Shape {
    readonly name = "circle" as const;
    constructor(at: Point, private readonly radius: number) {
        super(at);
    }
    get area(): number {
        return Math.PI * this.radius ** 2;
    }
}

export class Rectangle extends Shape {
    readonly name = "rectangle" as const;
    constructor(at: Point, private width: number, private height: number) {
        super(at);
    }
    get area(): number {
        return this.width * this.height;
    }
}
