export enum Level {
    Debug,
    Info = 10,
    Warning = Info * 2,
    Error = Warning + 10,
}

export type Logger = (level: Level, text: string) => void;

export function makeLogger(sink: (line: string) => void, least: Level): Logger {
    return (level, text) => {
        if (level >= least) sink(`${Level[level].toLowerCase()}: ${text}`);
    };
}
