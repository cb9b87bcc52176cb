// Names are data: no plain object is indexed by a name that came from outside. `__proto__` and `constructor` are valid names of groups, tasks and
// keys; as properties they are something else. Types tell: a property that is read, written or asked for (`in`) by any text is refused, one by a
// union of literals is not. `ownProperty` of the kernel reads; a `Map` collects; `{ [name]: value }` and `Object.fromEntries` make own properties.
import { relative } from 'node:path';
import ts from 'typescript';
import { inRoot, root } from './lib/paths.mjs';

const INSTEAD =
  'a name from outside is no property: read it with ownProperty(record, name), collect in a Map, build with Object.fromEntries';

/** Where the rule itself is kept, and specs, which index what they have made. */
const EXEMPT = /\.spec\.ts$|^libs\/kernel\/own-property\.ts$|^libs\/event-store\/testing\/handler-contract\.ts$/;

/** `NOMAD_META_${name}`: with such a beginning it is no name that objects inherit. */
const isPrefixed = (node) =>
  ts.isTemplateExpression(node) &&
  node.head.text !== '' &&
  !Object.getOwnPropertyNames(Object.prototype).some((name) => name.startsWith(node.head.text));

function isAnyText(type) {
  if (type.isUnion()) return type.types.some(isAnyText);
  if (type.flags & ts.TypeFlags.TypeParameter) return isAnyText(type.getConstraint() ?? type);
  return (type.flags & (ts.TypeFlags.String | ts.TypeFlags.TemplateLiteral | ts.TypeFlags.Any)) !== 0;
}

/** Null-prototype objects and the environment, whose names are ours. */
const isSafe = (checker, type) =>
  checker.isArrayLikeType(type) || ['ProcessEnv', 'ByName'].includes(type.symbol?.name ?? '');

function faultOf(checker, node) {
  if (ts.isElementAccessExpression(node)) {
    if (isPrefixed(node.argumentExpression)) return undefined;
    const name = checker.getTypeAtLocation(node.argumentExpression);
    return isAnyText(name) && !isSafe(checker, checker.getTypeAtLocation(node.expression)) ? INSTEAD : undefined;
  }
  if (ts.isBindingElement(node) && node.propertyName && ts.isComputedPropertyName(node.propertyName))
    return isAnyText(checker.getTypeAtLocation(node.propertyName.expression)) ? INSTEAD : undefined;
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.InKeyword)
    return isAnyText(checker.getTypeAtLocation(node.left)) ? 'ask with Object.hasOwn(record, name)' : undefined;
  if (ts.isCallExpression(node) && /^(Object\.assign|Reflect\.(set|get|has))$/.test(node.expression.getText()))
    return 'Object.assign and Reflect follow the prototype: spread instead';
  return undefined;
}

/** Every place that breaks the rule, as `file:line:column what`. */
export function foreignNames(files, options) {
  const program = ts.createProgram(files, options);
  const checker = program.getTypeChecker();
  const found = [];
  for (const source of program.getSourceFiles()) {
    const file = relative(root, source.fileName);
    if (!/^(libs|apps)\//.test(file) || EXEMPT.test(file)) continue;
    const visit = (node) => {
      const fault = faultOf(checker, node);
      if (fault) {
        const { line, character } = source.getLineAndCharacterOfPosition(node.getStart());
        found.push(`${file}:${line + 1}:${character + 1} ${node.getText().split('\n')[0]}: ${fault}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return found;
}

const { config } = ts.readConfigFile(inRoot('tsconfig.json'), ts.sys.readFile);
const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const found = foreignNames(
  fileNames.filter((file) => !file.endsWith('.spec.ts')),
  { ...options, incremental: false, tsBuildInfoFile: undefined },
);
for (const line of found) process.stderr.write(`${line}\n`);
process.exitCode = found.length > 0 ? 1 : 0;
