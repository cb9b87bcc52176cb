import { byName, ownProperty, setOwnProperty } from './own-property.js';

const NAMES = ['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty', '', 'a\nb', '😀'];

test.each(NAMES)('%j is a name like any other', (name) => {
  expect(ownProperty({}, name)).toBeUndefined();
  const collected = byName<number>();
  expect(collected[name]).toBeUndefined();
  collected[name] = 1;
  expect(Object.keys(collected)).toEqual([name]);
  const plain = {};
  setOwnProperty(plain, name, 1);
  expect(Object.keys(plain)).toEqual([name]);
  expect(ownProperty(plain as Record<string, number>, name)).toBe(1);
  expect(JSON.stringify(collected)).toBe(JSON.stringify(plain));
  expect(Object.getPrototypeOf(plain)).toBe(Object.prototype);
});

test('There is nothing in what is not there', () => {
  expect(ownProperty(null, 'a')).toBeUndefined();
  expect(ownProperty(undefined, 'a')).toBeUndefined();
});
