import Testing

@testable import MeteoRASafetensors

@Suite("JSON requirements")
struct JSONRequirementTests {
  private let root: JSONValue

  init() throws {
    let text = """
      {
        "rope_theta": "big", "layers": 2, "eps": 1e-5, "flag": true, "none": null,
        "rope_scaling": {"factor": "8", "a.b": {"": [0, {"x": 1.0}]}},
        "adapters": [{"name": "a"}, {"name": 7}], "huge": 1e999, "line\\nbreak": 1
      }
      """
    root = try JSONDocument(bytes: Array(text.utf8), source: "config.json").root
  }

  private func message(_ body: () throws(JSONError) -> Void) -> String? {
    do throws(JSONError) {
      try body()
      return nil
    } catch {
      return error.description
    }
  }

  @Test("it hands out fields of the wanted type")
  func handsOut() throws {
    #expect(try root.required("layers").integerValue() == 2)
    #expect(try root.required("layers").integerValue(in: 1...2) == 2)
    #expect(try root.required("layers").doubleValue() == 2)
    #expect(try root.required("eps").doubleValue() == 1e-5)
    #expect(try root.required("flag").boolValue())
    #expect(try root.required("rope_theta").stringValue() == "big")
    #expect(try root.required("rope_theta").utf8Value() == [0x62, 0x69, 0x67])
    #expect(try root.required("adapters").elementsValue().count == 2)
    #expect(try root.required("rope_scaling").membersValue().count == 2)
    #expect(try root.optional("none") == nil)
    #expect(try root.optional("absent") == nil)
    #expect(try root.required("none").isNull)
    #expect(try root.optional("layers")?.integerValue() == 2)
  }

  @Test("it says where a field stands, what it is and what was expected")
  func saysWhat() throws {
    let scaling = try root.required("rope_scaling")
    let adapters = try Array(root.required("adapters").elementsValue())
    let x = try Array(scaling.required("a.b").required("").elementsValue())[1].required("x")
    #expect(
      message { () throws(JSONError) in _ = try root.required("rope_theta").doubleValue() }
        == "config.json:2:17 (byte 18): field 'rope_theta' is the string \"big\", "
        + "expected a number that binary64 can hold")
    #expect(
      message { () throws(JSONError) in _ = try scaling.required("factor").boolValue() }
        == "config.json:3:30 (byte 108): field 'rope_scaling.factor' is the string \"8\", "
        + "expected true or false")
    #expect(
      message { () throws(JSONError) in _ = try adapters[1].required("name").stringValue() }?
        .hasSuffix("field 'adapters[1].name' is 7, expected a string") == true)
    #expect(
      message { () throws(JSONError) in _ = try x.integerValue() }?.hasSuffix(
        #"field 'rope_scaling["a.b"][""][1].x' is 1.0, expected an integer of at most 64 bits"#)
        == true)
    #expect(
      message { () throws(JSONError) in _ = try root.required("layers").integerValue(in: 3...9) }?
        .hasSuffix("field 'layers' is 2, expected an integer from 3 to 9") == true)
    #expect(
      message { () throws(JSONError) in _ = try root.required("huge").doubleValue() }?
        .hasSuffix("field 'huge' is 1e999, expected a number that binary64 can hold") == true)
    #expect(
      message { () throws(JSONError) in _ = try root.required("line\nbreak").elementsValue() }?
        .hasSuffix(#"field '["line\u{A}break"]' is 1, expected an array"#) == true)
    #expect(
      message { () throws(JSONError) in _ = try root.required("flag").membersValue() }?
        .hasSuffix("field 'flag' is true, expected an object") == true)
    #expect(
      message { () throws(JSONError) in _ = try root.required("none").utf8Value() }?
        .hasSuffix("field 'none' is null, expected a string") == true)
  }

  @Test("it names a missing field and the object that lacks it")
  func namesMissing() throws {
    let adapters = try Array(root.required("adapters").elementsValue())
    #expect(
      message { () throws(JSONError) in _ = try root.required("vocab_size") }
        == "config.json:1:1 (byte 0): field 'vocab_size' is missing")
    #expect(
      message { () throws(JSONError) in _ = try adapters[0].required("path") }?
        .hasSuffix("field 'adapters[0].path' is missing") == true)
    #expect(
      message { () throws(JSONError) in _ = try adapters[0].required("name").required("x") }?
        .hasSuffix("field 'adapters[0].name' is the string \"a\", expected an object") == true)
    #expect(
      message { () throws(JSONError) in _ = try adapters[0].required("name").optional("x") }?
        .hasSuffix("field 'adapters[0].name' is the string \"a\", expected an object") == true)
  }

  @Test("it speaks of the document where the root is wrong")
  func speaksOfRoot() throws {
    let list = try JSONDocument(bytes: Array(" [1]".utf8), source: "a\nb.json").root
    #expect(
      message { () throws(JSONError) in _ = try list.required("x") }
        == #"a\u{A}b.json:1:2 (byte 1): the document is an array, expected an object"#)
  }

  @Test("it takes the path of a key for its member's")
  func pathOfKey() throws {
    let key = try #require(root["rope_scaling"]?.members?.first { _ in true }?.key)
    #expect(key.path == "rope_scaling.factor")
    #expect(root.path == "")
  }

  @Test(
    "it describes every problem of the grammar in a sentence",
    arguments: [
      ("", "t.json:1:1 (byte 0): the document ends here, expected a value"),
      ("\u{FEFF}", "the document begins with a byte order mark"),
      ("[1\n,\n  x]", "t.json:3:3 (byte 7): found 'x', expected a value"),
      ("1 \u{1}", "t.json:1:3 (byte 2): found byte 0x01 after the document, expected its end"),
      ("\"\t\"", "found byte 0x09 unescaped in a string"),
      ("\"\\q\"", "found \\ and 'q', expected one of"),
      ("\"\\uDEAD\"", "found \\uDEAD alone"),
      ("{\"k\":1,\"k\":1}", "t.json:1:8 (byte 7): the key 'k' stands here again"),
      (String(repeating: "[", count: 200), "nested deeper than 128"),
    ])
  func describes(text: String, part: String) throws {
    let description = try #require(parseError(Array(text.utf8))?.description)
    #expect(description.contains(part))
    #expect(!description.contains("\n"))
  }
}
