/** What one server showed, or that it did not answer. */
export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** What Prometheus would have gathered at one moment, in seconds. */
export interface Scrape {
  readonly at: number;
  readonly samples: readonly Sample[];
}

type Labels = ReadonlyMap<string, string>;
interface Element {
  readonly labels: Labels;
  readonly value: number;
}
type Value = number | readonly Element[];

const NOTHING: Labels = new Map();
const TOKEN = /\s*(\d+[smhd]|\d+(?:\.\d+)?|[A-Za-z_]\w*|"(?:[^"\\]|\\.)*"|=~|!~|==|!=|>=|<=|[-+*/(){}[\],<>=])/y;

/** The samples of a text in Prometheus' format. */
export function parseExposition(text: string, more: Readonly<Record<string, string>>): Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) return [];
    const own = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text_]) => [key!, text_!] as const);
    return [{ name, labels: new Map([...own, ...Object.entries(more)]), value: Number(value) }];
  });
}

/**
 * Evaluates as much of PromQL as our rules use, on scrapes in order: selectors, `rate`, `increase`, `sum`, `max` and `min` with `by`, `scalar`,
 * `absent`, `histogram_quantile`, arithmetic, comparisons, `or`. Vectors meet where all their labels are the same, as there.
 * @throws Error for anything else
 */
export function evaluate(expression: string, scrapes: readonly Scrape[]): readonly Element[] {
  const value = new Evaluation(expression, scrapes).whole();
  return typeof value === 'number' ? [{ labels: NOTHING, value }] : value;
}

class Evaluation {
  private readonly tokens: string[] = [];
  private position = 0;

  constructor(
    private readonly expression: string,
    private readonly scrapes: readonly Scrape[],
  ) {
    for (let at = 0; at < expression.trimEnd().length; at = TOKEN.lastIndex) {
      TOKEN.lastIndex = at;
      const token = TOKEN.exec(expression)?.[1];
      if (token === undefined) throw new Error(`not understood: ${expression.slice(at)}`);
      this.tokens.push(token);
    }
  }

  whole(): Value {
    const value = this.either();
    if (this.position < this.tokens.length) throw this.unexpected();
    return value;
  }

  private get token(): string | undefined {
    return this.tokens[this.position];
  }
  private next(): string {
    const { token } = this;
    if (token === undefined) throw this.unexpected();
    this.position++;
    return token;
  }
  private takes(...wanted: readonly string[]): string | undefined {
    return wanted.includes(this.token ?? '') ? this.next() : undefined;
  }
  private expect(wanted: string): void {
    if (this.next() !== wanted) throw this.unexpected();
  }
  private unexpected(): Error {
    return new Error(`unexpected ${this.token ?? 'end'} in ${this.expression}`);
  }

  private either(): Value {
    let value = this.comparison();
    while (this.takes('or')) {
      const left = vectorOf(value);
      const known = new Set(left.map(({ labels }) => keyOf(labels)));
      value = [...left, ...vectorOf(this.comparison()).filter(({ labels }) => !known.has(keyOf(labels)))];
    }
    return value;
  }

  private comparison(): Value {
    const left = this.sum();
    const operator = this.takes('==', '!=', '>', '<', '>=', '<=');
    if (operator === undefined) return left;
    const right = this.sum();
    if (typeof right !== 'number') throw new Error('vectors are compared with numbers only');
    return vectorOf(left).filter(({ value }) => holds(value, operator, right));
  }

  private sum(): Value {
    let value = this.product();
    for (let operator; (operator = this.takes('+', '-')) !== undefined;)
      value = combine(value, operator, this.product());
    return value;
  }

  private product(): Value {
    let value = this.factor();
    for (let operator; (operator = this.takes('*', '/')) !== undefined;)
      value = combine(value, operator, this.factor());
    return value;
  }

  private factor(): Value {
    if (this.takes('(')) {
      const value = this.either();
      this.expect(')');
      return value;
    }
    const word = this.next();
    if (/^\d/.test(word)) return Number(word);
    switch (word) {
      case 'sum':
      case 'max':
      case 'min':
        return this.aggregate(word);
      case 'rate':
      case 'increase':
        return this.inParentheses(() => this.growth(word));
      case 'scalar':
        return this.inParentheses(() => vectorOf(this.either())[0]?.value ?? Number.NaN);
      case 'absent':
        return this.inParentheses(() => (vectorOf(this.either()).length === 0 ? [{ labels: NOTHING, value: 1 }] : []));
      case 'histogram_quantile':
        return this.inParentheses(() => {
          const quantile = Number(this.next());
          this.expect(',');
          return quantileOf(quantile, vectorOf(this.either()));
        });
      default:
        return this.series(word).map((series) => ({ labels: series.labels, value: series.points.at(-1)!.value }));
    }
  }

  private inParentheses<T>(inner: () => T): T {
    this.expect('(');
    const value = inner();
    this.expect(')');
    return value;
  }

  private aggregate(how: 'sum' | 'max' | 'min'): Value {
    const by: string[] = [];
    if (this.takes('by')) by.push(...this.inParentheses(() => this.names()));
    const groups = new Map<string, { labels: Labels; values: number[] }>();
    for (const { labels, value } of vectorOf(this.inParentheses(() => this.either()))) {
      const kept = new Map([...labels].filter(([name]) => by.includes(name)));
      const group = groups.get(keyOf(kept)) ?? { labels: kept, values: [] };
      group.values.push(value);
      groups.set(keyOf(kept), group);
    }
    const fold = {
      sum: (values: number[]) => values.reduce((a, b) => a + b),
      max: (v: number[]) => Math.max(...v),
      min: (v: number[]) => Math.min(...v),
    };
    return Array.from(groups.values(), ({ labels, values }) => ({ labels, value: fold[how](values) }));
  }

  private names(): string[] {
    const names = [this.next()];
    while (this.takes(',')) names.push(this.next());
    return names;
  }

  /** Over all scrapes, which stand for the range. Who was scraped once has not grown. */
  private growth(how: 'rate' | 'increase'): Value {
    const all = this.series(this.next());
    this.expect('[');
    while (this.next() !== ']');
    return all
      .filter(({ points }) => points.length > 1)
      .map(({ labels, points }) => {
        const [first, last] = [points[0]!, points.at(-1)!];
        const grown = Math.max(0, last.value - first.value);
        return { labels, value: how === 'increase' ? grown : grown / (last.at - first.at) };
      });
  }

  private series(name: string) {
    const matchers: ((labels: Labels) => boolean)[] = [];
    if (this.takes('{'))
      while (!this.takes('}')) {
        const [label, operator, quoted] = [this.next(), this.next(), this.next()];
        const wanted = quoted.slice(1, -1);
        const matches = (text: string): boolean =>
          operator.includes('~') ? new RegExp(`^(?:${wanted})$`).test(text) : text === wanted;
        matchers.push((labels) => matches(labels.get(label) ?? '') !== operator.startsWith('!'));
        this.takes(',');
      }
    const found = new Map<string, { labels: Labels; points: { at: number; value: number }[] }>();
    for (const { at, samples } of this.scrapes)
      for (const { name: own, labels, value } of samples) {
        if (own !== name || !matchers.every((matches) => matches(labels))) continue;
        const series = found.get(keyOf(labels)) ?? { labels, points: [] };
        series.points.push({ at, value });
        found.set(keyOf(labels), series);
      }
    // What the last scrape does not have any more is gone.
    const { at: now } = this.scrapes.at(-1)!;
    return [...found.values()].filter(({ points }) => points.at(-1)!.at === now);
  }
}

const keyOf = (labels: Labels): string => JSON.stringify([...labels].toSorted(([a], [b]) => (a < b ? -1 : 1)));

function vectorOf(value: Value): readonly Element[] {
  if (typeof value === 'number') throw new Error('a number where a vector belongs');
  return value;
}

function holds(value: number, operator: string, limit: number): boolean {
  switch (operator) {
    case '==':
      return value === limit;
    case '!=':
      return value !== limit;
    case '>':
      return value > limit;
    case '<':
      return value < limit;
    case '>=':
      return value >= limit;
    default:
      return value <= limit;
  }
}

function combine(left: Value, operator: string, right: Value): Value {
  const apply = (a: number, b: number): number =>
    operator === '+' ? a + b : operator === '-' ? a - b : operator === '*' ? a * b : a / b;
  if (typeof left === 'number' && typeof right === 'number') return apply(left, right);
  if (typeof left === 'number')
    return vectorOf(right).map(({ labels, value }) => ({ labels, value: apply(left, value) }));
  if (typeof right === 'number') return left.map(({ labels, value }) => ({ labels, value: apply(value, right) }));
  const others = new Map(right.map((element) => [keyOf(element.labels), element.value]));
  return left.flatMap(({ labels, value }) => {
    const other = others.get(keyOf(labels));
    return other === undefined ? [] : [{ labels, value: apply(value, other) }];
  });
}

/** The bound of the bucket that holds it: precise enough for an alarm. */
function quantileOf(quantile: number, buckets: readonly Element[]): readonly Element[] {
  const sorted = buckets
    .map(({ labels, value }) => ({ bound: Number(labels.get('le')?.replace('+Inf', 'Infinity')), value }))
    .toSorted((a, b) => a.bound - b.bound);
  const count = sorted.at(-1)?.value ?? 0;
  const found = sorted.find(({ value }) => value >= quantile * count);
  return count > 0 && found ? [{ labels: NOTHING, value: found.bound }] : [];
}
