import Testing

@testable import MeteoRASafetensors

@Suite("Editing JSON documents")
struct JSONEditingTests {
  private func root(_ text: String) throws -> JSONValue {
    try JSONDocument(bytes: Array(text.utf8), source: "config.json").root
  }

  private func text(_ bytes: [UInt8]?) -> String? {
    bytes.map { String(decoding: $0, as: UTF8.self) }
  }

  @Test(
    "replacing a value leaves every other byte as it is",
    arguments: [
      (#"{"b": 1.50, "a":null}"#, "b", #"{"b": "x", "a":null}"#),
      (#"{"b": 1.50, "a":null}"#, "a", #"{"b": 1.50, "a":"x"}"#),
      ("{ \"a\" :\n\"long \\\" text\" ,\"c\":[1]}", "a", "{ \"a\" :\n\"x\" ,\"c\":[1]}"),
      (#"{"a":""}"#, "a", #"{"a":"x"}"#), (#"{"a":true}"#, "a", #"{"a":"x"}"#),
      (#"{"a":"\u00e9é"}  "#, "a", #"{"a":"x"}  "#),
    ])
  func replaces(before: String, key: String, after: String) throws {
    let value = try #require(root(before)[key])
    #expect(text(value.documentReplacing(by: .string("x"))) == after)
  }

  @Test("objects and arrays are not replaced", arguments: ["{}", "[1,2]", "{\"a\":[]}"])
  func keepsContainers(container: String) throws {
    let value = try #require(root("{\"k\":\(container)}")["k"])
    #expect(value.documentReplacing(by: .integer(1)) == nil)
  }

  @Test(
    "a member is added at the beginning of an object",
    arguments: [
      ("{}", #"{"k": 7}"#), ("{ }", #"{"k": 7 }"#), (#" {"a":1}"#, #" {"k": 7, "a":1}"#),
      ("{\n \"a\":1}", "{\"k\": 7, \n \"a\":1}"),
    ])
  func adds(before: String, after: String) throws {
    #expect(text(try root(before).documentAdding("k", .integer(7))) == after)
  }

  @Test("no member is added twice, or to what is no object", arguments: [#"{"k":1}"#, "[]", "1"])
  func refusesMember(text: String) throws {
    #expect(try root(text).documentAdding("k", .integer(7)) == nil)
  }
}
