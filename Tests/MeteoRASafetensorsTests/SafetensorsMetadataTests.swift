import Testing

@testable import MeteoRASafetensors

@Suite("Safetensors metadata and types")
struct SafetensorsMetadataTests {
  @Test("it keeps the order in which keys came, and the last value of each")
  func keepsOrder() {
    let metadata = SafetensorsMetadata(
      entries: [("b", "1"), ("a", "2"), ("\u{E9}", "3"), ("b", "4"), ("e\u{301}", "5")])
    #expect(metadata.entries.map(\.key) == ["b", "a", "\u{E9}", "e\u{301}"])
    #expect(metadata.entries.map(\.value) == ["4", "2", "3", "5"])
    #expect(metadata["e\u{301}"] == "5")
    #expect(metadata["\u{E9}"] == "3")
  }

  @Test("it changes, adds and removes entries")
  func changesEntries() {
    var metadata: SafetensorsMetadata = ["x": "1", "y": "2"]
    metadata["x"] = "3"
    metadata["z"] = "4"
    metadata["y"] = nil
    metadata["none"] = nil
    #expect(metadata.entries.map(\.key) == ["x", "z"])
    #expect(metadata["x"] == "3")
    #expect(metadata["y"] == nil)
  }

  @Test("it knows each type by the exact spelling of its name")
  func knowsTypes() {
    for dtype in SafetensorsDType.allCases {
      #expect(SafetensorsDType(name: dtype.name) == dtype)
      #expect(SafetensorsDType(name: dtype.name.lowercased()) == nil)
      #expect("\(dtype)" == dtype.name)
    }
    #expect(SafetensorsDType.allCases.count == 16)
    #expect(SafetensorsDType(name: "F8_E8M0") == nil)
  }

  @Test("it multiplies sizes in order and notices overflow")
  func multipliesSizes() {
    #expect(SafetensorsDType.f32.size(of: [])?.bytes == 4)
    #expect(SafetensorsDType.f32.size(of: [2, 3])?.elements == 6)
    #expect(SafetensorsDType.u8.size(of: [Int.max])?.bytes == Int.max)
    #expect(SafetensorsDType.i16.size(of: [Int.max]) == nil)
    #expect(SafetensorsDType.u8.size(of: [0, Int.max, Int.max])?.bytes == 0)
    #expect(SafetensorsDType.u8.size(of: [Int.max, Int.max, 0]) == nil)
    #expect(SafetensorsDType.u8.size(of: [-1]) == nil)
    #expect(SafetensorsDType.u8.size(of: [0, -1]) == nil)
  }
}
