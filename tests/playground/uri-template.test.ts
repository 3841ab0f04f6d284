// URI templates: the examples of RFC 6570.
import assert from "node:assert/strict";
import { test } from "node:test";
import { expand, variablesOf } from "../../playground/src/uri-template.ts";

const VALUES = {
  count: ["one", "two", "three"],
  dom: ["example", "com"],
  dub: "me/too",
  hello: "Hello World!",
  half: "50%",
  var: "value",
  who: "fred",
  base: "http://example.com/home/",
  path: "/foo/bar",
  list: ["red", "green", "blue"],
  v: "6",
  x: "1024",
  y: "768",
  empty: "",
  keys: { pairs: [["semi", ";"], ["dot", "."], ["comma", ","]] as [string, string][] },
  none: [],
  noKeys: { pairs: [] },
};

const EXPANSIONS: Record<string, string> = {
  "{var}": "value",
  "{hello}": "Hello%20World%21",
  "{half}": "50%25",
  "O{empty}X": "OX",
  "O{undef}X": "OX",
  "{x,y}": "1024,768",
  "{x,hello,y}": "1024,Hello%20World%21,768",
  "?{x,empty}": "?1024,",
  "?{x,undef}": "?1024",
  "{var:3}": "val",
  "{var:30}": "value",
  "{list}": "red,green,blue",
  "{list*}": "red,green,blue",
  "{+var}": "value",
  "{+hello}": "Hello%20World!",
  "{+half}": "50%25",
  "{base}index": "http%3A%2F%2Fexample.com%2Fhome%2Findex",
  "{+base}index": "http://example.com/home/index",
  "O{+empty}X": "OX",
  "{+path}/here": "/foo/bar/here",
  "here?ref={+path}": "here?ref=/foo/bar",
  "up{+path}{var}/here": "up/foo/barvalue/here",
  "{+x,hello,y}": "1024,Hello%20World!,768",
  "{+path:6}/here": "/foo/b/here",
  "{+list}": "red,green,blue",
  "{#var}": "#value",
  "{#half}": "#50%25",
  "foo{#empty}": "foo#",
  "foo{#undef}": "foo",
  "{#path,x}/here": "#/foo/bar,1024/here",
  "{.who,who}": ".fred.fred",
  "{.half,who}": ".50%25.fred",
  "www{.dom*}": "www.example.com",
  "X{.var:3}": "X.val",
  "X{.empty}": "X.",
  "X{.list}": "X.red,green,blue",
  "X{.list*}": "X.red.green.blue",
  "X{.none}": "X",
  "{/who,dub}": "/fred/me%2Ftoo",
  "{/var,empty}": "/value/",
  "{/var,undef}": "/value",
  "{/var:1,var}": "/v/value",
  "{/list*}": "/red/green/blue",
  "{/list*,path:4}": "/red/green/blue/%2Ffoo",
  "{;who}": ";who=fred",
  "{;v,empty,who}": ";v=6;empty;who=fred",
  "{;hello:5}": ";hello=Hello",
  "{;list}": ";list=red,green,blue",
  "{;list*}": ";list=red;list=green;list=blue",
  "{?x,y,empty}": "?x=1024&y=768&empty=",
  "{?x,y,undef}": "?x=1024&y=768",
  "{?var:3}": "?var=val",
  "{?list*}": "?list=red&list=green&list=blue",
  "?fixed=yes{&x}": "?fixed=yes&x=1024",
  "{&x,y,empty}": "&x=1024&y=768&empty=",
  "{&list}": "&list=red,green,blue",
  "{keys}": "semi,%3B,dot,.,comma,%2C",
  "{keys*}": "semi=%3B,dot=.,comma=%2C",
  "{+keys}": "semi,;,dot,.,comma,,",
  "{+keys*}": "semi=;,dot=.,comma=,",
  "{#keys}": "#semi,;,dot,.,comma,,",
  "{#keys*}": "#semi=;,dot=.,comma=,",
  "X{.keys}": "X.semi,%3B,dot,.,comma,%2C",
  "X{.keys*}": "X.semi=%3B.dot=..comma=%2C",
  "X{.noKeys}": "X",
  "X{.noKeys*}": "X",
  "{/keys}": "/semi,%3B,dot,.,comma,%2C",
  "{/keys*}": "/semi=%3B/dot=./comma=%2C",
  "{;keys}": ";keys=semi,%3B,dot,.,comma,%2C",
  "{;keys*}": ";semi=%3B;dot=.;comma=%2C",
  "{?keys}": "?keys=semi,%3B,dot,.,comma,%2C",
  "{?keys*}": "?semi=%3B&dot=.&comma=%2C",
  "{&keys}": "&keys=semi,%3B,dot,.,comma,%2C",
  "{&keys*}": "&semi=%3B&dot=.&comma=%2C",
};

for (const [template, expansion] of Object.entries(EXPANSIONS)) test(`${template} becomes ${expansion}`, () => assert.equal(expand(template, VALUES), expansion));

test("percent-encoding is by bytes of UTF-8, and of whole characters", () => {
  assert.equal(expand("a:{x}", { x: "ü€😀" }), "a:%C3%BC%E2%82%AC%F0%9F%98%80");
  assert.equal(expand("a:{x:1}", { x: "😀b" }), "a:%F0%9F%98%80");
  assert.equal(expand("a:{+x}", { x: "%2F%zz" }), "a:%2F%25zz");
});

test("variables are each named once", () => {
  assert.deepEqual(variablesOf("x://{a}/{+b*}{?a,c:5}")?.map(({ name, isExploded, prefix }) => [name, isExploded, prefix]), [["a", false, undefined], ["b", true, undefined], ["c", false, 5]]);
  assert.deepEqual(variablesOf("x://plain"), []);
});

test("a text that is no template is none, and stays as it is", () => {
  for (const text of ["x://{a", "x://a}", "{}", "{=a}", "{a b}", "{a:0}", "{a:10000}", "{{a}}", "{a,}"]) {
    assert.equal(variablesOf(text), undefined, text);
    assert.equal(expand(text, { a: "1" }), text);
  }
});
