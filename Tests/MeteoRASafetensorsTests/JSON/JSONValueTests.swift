import Testing

@testable import MeteoRASafetensors

@Suite("JSON values")
struct JSONValueTests {
  private func root(_ text: String) throws -> JSONValue {
    try JSONDocument(bytes: Array(text.utf8), source: "config.json").root
  }

  @Test(
    "it reads integer literals that fit, and no other number",
    arguments: [
      ("0", 0), ("-0", 0), ("7", 7), ("9223372036854775807", Int.max),
      ("-9223372036854775808", Int.min), ("9223372036854775808", nil),
      ("-9223372036854775809", nil), ("99999999999999999999999999", nil), ("1.0", nil),
      ("1e3", nil), ("true", nil), ("\"1\"", nil),
    ] as [(String, Int?)])
  func readsIntegers(text: String, expected: Int?) throws {
    #expect(try root(text).integer == expected)
  }

  @Test(
    "it rounds numbers to the nearest binary64",
    arguments: [
      ("0", 0), ("-0", 0x8000_0000_0000_0000), ("-0.0", 0x8000_0000_0000_0000),
      ("1", 0x3FF0_0000_0000_0000), ("1e-05", 0x3EE4_F8B5_88E3_68F1),
      ("0.1", 0x3FB9_9999_9999_999A), ("5e-324", 1), ("2e-324", 0), ("3e-324", 1),
      ("1.7976931348623157e308", 0x7FEF_FFFF_FFFF_FFFF),
      ("9007199254740993", 0x4340_0000_0000_0000),
      ("9007199254740993.00000000000000000000000000000001", 0x4340_0000_0000_0001),
      ("2.2250738585072011e-308", 0x000F_FFFF_FFFF_FFFF),
      ("500000.0", 0x411E_8480_0000_0000),
    ] as [(String, UInt64)])
  func readsDoubles(text: String, expected: UInt64) throws {
    #expect(try root(text).double?.bitPattern == expected)
  }

  @Test("it reads a number of 100000 digits and refuses one beyond binary64")
  func readsLongNumbers() throws {
    let zeros = String(repeating: "0", count: 100_000)
    #expect(try root("0." + zeros + "1e100001").double == 1)
    #expect(try root("1" + zeros).double == nil)
    #expect(try root("1" + zeros).integer == nil)
    #expect(try root("1e400").double == nil)
    #expect(try root("-1e400").double == nil)
    #expect(try root("1e-999999999999999999999").double == 0)
    #expect(try root("  -12.50e-2 ").numberText == "-12.50e-2")
  }

  @Test(
    "it resolves escapes to bytes",
    arguments: [
      (#""\"\\\/\b\f\n\r\t""#, [0x22, 0x5C, 0x2F, 8, 12, 10, 13, 9]),
      (#""a\u0000b""#, [0x61, 0, 0x62]),
      (#""\u00e9\u00E9é""#, [0xC3, 0xA9, 0xC3, 0xA9, 0xC3, 0xA9]),
      (#""\u20AC""#, [0xE2, 0x82, 0xAC]),
      (#""\uD83D\uDE00x""#, [0xF0, 0x9F, 0x98, 0x80, 0x78]),
      (#""\uDBFF\uDFFF""#, [0xF4, 0x8F, 0xBF, 0xBF]),
      (#""\uFFFF\uFEFF""#, [0xEF, 0xBF, 0xBF, 0xEF, 0xBB, 0xBF]),
    ] as [(String, [UInt8])])
  func resolvesEscapes(text: String, expected: [UInt8]) throws {
    let value = try root(text)
    #expect(value.utf8 == expected)
    #expect(value.string.map { Array($0.utf8) } == expected)
    #expect(value.equals(String(decoding: expected, as: UTF8.self)))
    #expect(!value.equals("x"))
    var appended: [UInt8] = [1]
    #expect(value.appendUTF8(to: &appended))
    #expect(appended == [1] + expected)
  }

  @Test("it keeps members and elements in the order of the file")
  func keepsOrder() throws {
    let value = try root(#"{"z":[3,[1,{}],{"q":2}],"a":{},"m":null,"\u0062":false}"#)
    #expect(value.members?.map { $0.key.string ?? "" } == ["z", "a", "m", "b"])
    #expect(value.members?.count == 4)
    let elements = try #require(value["z"]?.elements.map(Array.init))
    #expect(elements.count == 3)
    #expect(elements[0].integer == 3)
    #expect(elements[1].elements?.map(\.kind) == [.number, .object])
    #expect(elements[2]["q"]?.integer == 2)
    #expect(value["b"]?.bool == false)
    #expect(value["m"]?.isNull == true)
    #expect(value["c"] == nil)
    #expect(value["a"]?.members?.count == 0)
  }

  @Test("it finds keys in objects of every size", arguments: [0, 1, 2, 16, 17, 33, 1000])
  func findsKeys(count: Int) throws {
    let members = (0..<count).map { #""k\u005f\#($0)":[\#($0)]"# }
    let value = try root("{" + members.joined(separator: " , ") + "}")
    for number in 0..<count {
      #expect(value["k_\(number)"]?.elements?.first { _ in true }?.integer == number)
    }
    #expect(value["k_\(count)"] == nil)
    #expect(value[""] == nil)
  }

  @Test("it answers nil for another type")
  func answersNil() throws {
    let value = try root(#"[1,"s",null,true,{},[]]"#)
    let elements = try #require(value.elements.map(Array.init))
    #expect(elements.map(\.kind) == [.number, .string, .null, .boolean, .object, .array])
    #expect(elements.map { $0.integer != nil } == [true, false, false, false, false, false])
    #expect(elements.map { $0.double != nil } == [true, false, false, false, false, false])
    #expect(elements.map { $0.string != nil } == [false, true, false, false, false, false])
    #expect(elements.map(\.isNull) == [false, false, true, false, false, false])
    #expect(elements.map { $0.bool != nil } == [false, false, false, true, false, false])
    #expect(elements.map { $0.members != nil } == [false, false, false, false, true, false])
    #expect(elements.map { $0.elements != nil } == [false, false, false, false, false, true])
    #expect(value["k"] == nil)
  }
}
