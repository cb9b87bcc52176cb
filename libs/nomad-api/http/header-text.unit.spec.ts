import { headerText, textOfExtendedHeader, textOfHeader, tokenForHeader, tokenFromClient } from './header-text.js';

/** What Node lets into a header. */
const HEADER = /^[\t\x20-\x7e\x80-\xff]*$/;

test.each(['plain', 'ü', 'ж', '😀', 'a\nb', 'a\u0000b', '\u007f', '\ud800'])('%j fits into a header', (text) => {
  expect(headerText(text)).toMatch(HEADER);
  expect(tokenForHeader(text)).toMatch(HEADER);
});

test('a text in a header is its UTF-8 bytes, with spaces for newlines, as Go writes it', () => {
  expect(Buffer.from(headerText('ж\n😀'), 'latin1').toString('utf8')).toBe('ж 😀');
});

test.each(['default.web', 'default.ж', 'default.new\nline', '12.\u0001', '=', '=YQ', 'default.=\n'])(
  'a page goes on at the token %j as it was',
  (token) => {
    // A client reads the header as UTF-8 bytes and sends them back.
    const sent = Buffer.from(tokenForHeader(token), 'latin1').toString('utf8');
    expect(tokenFromClient(sent)).toBe(token);
  },
);

test('a header is read as UTF-8, and as Latin-1 where it is none', () => {
  expect(textOfHeader(Buffer.from('приём').toString('latin1'))).toBe('приём');
  expect(textOfHeader('caf\u00e9')).toBe('café');
});

test('the extended spelling of RFC 8187 is read', () => {
  expect(textOfExtendedHeader("UTF-8''%e2%82%ac%20rates")).toBe('€ rates');
  expect(textOfExtendedHeader("utf-8'en'plain")).toBe('plain');
});

test.each(['plain', "iso-8859-1''a", "UTF-8''%e2%82", "UTF-8''%zz", "UTF-8''a b"])('%j is no extended value', (raw) => {
  expect(textOfExtendedHeader(raw)).toBeUndefined();
});
