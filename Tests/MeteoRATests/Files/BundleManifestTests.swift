import Foundation
import MeteoRALlama
import MeteoRATestSupport
import Testing

@testable import MeteoRA

@Suite("A bundle's meteora.json")
struct BundleManifestTests {
  /// What the manifest with some fields changed names; `nil` leaves a field out.
  private func files(_ changes: [String: String?]) throws -> (files: ModelFiles, folder: URL) {
    let folder = try TemporaryFolder()
    var fields = TinyBundle().manifest
    for (field, value) in changes { fields[field] = value }
    try folder.write(TinyBundle.object(fields), to: "meteora.json")
    return (try ModelFiles(folder: folder.url), folder.url)
  }

  @Test("it names the parts in the order of the file")
  func reads() throws {
    let (files, folder) = try files([:])
    #expect(files.base.path == folder.appendingPathComponent("base").path)
    #expect(files.adapters.map(\.name) == ["first", "second", "third"])
    #expect(
      files.adapters.map(\.folder.path)
        == ["first", "second", "third"].map { folder.path + "/adapters/" + $0 })
    #expect(files.gates == .file(folder.appendingPathComponent("gates.safetensors")))
    #expect(files.router == RouterConfiguration(topK: 2, temperature: 1.5))
  }

  @Test("a folder without one is a plain model")
  func plain() throws {
    let folder = try TinyModel().folder()
    #expect(try ModelFiles(folder: folder.url) == ModelFiles(base: folder.url))
    #expect(try MeteoRAModel(contentsOf: folder.url).defaultMode == .noAdapters)
  }

  private static func adapter(_ name: String, _ path: String = "adapters/a") -> String {
    #"[{"name":\#(name),"path":"\#(path)"},{"name":"b","path":"adapters/b"}]"#
  }

  @Test(
    "its paths may lead anywhere inside the folder",
    arguments: [
      "a", "a/b/c", ".", "a/", "./a", "a//b", "..a", "a..", "...", "a/..b", "~", "%2e%2e",
    ])
  func inside(path: String) throws {
    let (files, folder) = try files(["base": "\"\(path)\""])
    #expect(files.base.standardizedFileURL.path.hasPrefix(folder.standardizedFileURL.path))
    #expect(throws: Never.self) { try self.files(["adapters": Self.adapter(#""a""#, path)]) }
    #expect(throws: Never.self) { try self.files(["gates": "\"\(path)\""]) }
  }

  @Test(
    "its paths may not lead out of it",
    arguments: [
      "", "/", "/base", "..", "../x", "a/..", "a/../b", "a/../../b", "./..", "a//..", "//x",
      // "/" and a combining mark are one Character.
      "..\\/\\u0301x", "../\u{301}x", "a/../\u{301}", "/\u{301}a", "a\\u0000b", "\\u0000",
    ])
  func outside(path: String) throws {
    for (field, value) in [
      ("base", "\"\(path)\""), ("gates", "\"\(path)\""),
      ("adapters", Self.adapter(#""a""#, path)),
    ] {
      let error = try #require(throws: MeteoRAError.self) { try files([field: value]) }
      #expect(error.label == "invalid \(field == "adapters" ? "adapters[0].path" : field)")
      #expect(!error.description.utf8.contains(0))
    }
  }

  static let refusals: [(fields: [String: String?], label: String)] = [
    (["format_version": nil], "json format_version"),
    (["format_version": "0"], "unsupported format_version"),
    (["format_version": "2"], "unsupported format_version"),
    (["format_version": "-1"], "unsupported format_version"),
    (["format_version": "1.0"], "json format_version"),
    (["format_version": #""1""#], "json format_version"),
    (["format_version": "null"], "json format_version"),
    (["comment": #""x""#], "json comment"), (["Base": "null"], "json Base"),
    (["base": nil], "json base"), (["base": "1"], "json base"), (["base": "null"], "json base"),
    (["gates": nil], "json gates"), (["gates": "null"], "json gates"),
    (["gates": "[]"], "json gates"),
    (["adapters": nil], "json adapters"), (["adapters": "{}"], "json adapters"),
    (["adapters": "[1]"], "json adapters[0]"),
    (["adapters": #"[{"name":"a"}]"#], "json adapters[0].path"),
    (["adapters": #"[{"path":"a"}]"#], "json adapters[0].name"),
    (["adapters": #"[{"name":"a","path":"a","rank":8}]"#], "json adapters[0].rank"),
    (["adapters": "[]"], "invalid the number of adapters beside it"),
    (["adapters": adapter(#""""#)], "invalid adapter name"),
    (["adapters": adapter(#"".""#)], "invalid adapter name"),
    (["adapters": adapter(#""..""#)], "invalid adapter name"),
    (["adapters": adapter(#""a/b""#)], "invalid adapter name"),
    (["adapters": adapter(#""/""#)], "invalid adapter name"),
    (["adapters": adapter(#""a/\u0301""#)], "invalid adapter name"),
    (["adapters": adapter(#""a\u0000""#)], "invalid adapter name"),
    (["adapters": adapter(#""a\nb""#)], "invalid adapter name"),
    (["adapters": adapter(#""\u001b[31ma""#)], "invalid adapter name"),
    (["adapters": adapter(#""a\u007f""#)], "invalid adapter name"),
    (["adapters": adapter(#""a\u0085""#)], "invalid adapter name"),
    (["adapters": adapter(#""a\u2028b""#)], "invalid adapter name"),
    (["adapters": adapter(#""a\\b""#)], "invalid adapter name"),
    (
      ["adapters": adapter("\"" + String(repeating: "a", count: 256) + "\"")],
      "invalid adapter name"
    ),
    (["adapters": adapter("7")], "json adapters[0].name"),
    (["adapters": adapter(#""b""#)], "two adapters are named 'b'"),
    (["router": nil], "json router"), (["router": "{}"], "json router.top_k"),
    (["router": "[]"], "json router"), (["router": #"{"top_k":2}"#], "json router.temperature"),
    (["router": #"{"top_k":2,"temperature":1,"top_p":1}"#], "json router.top_p"),
    (["router": #"{"top_k":2.0,"temperature":1}"#], "json router.top_k"),
    (["router": #"{"top_k":"2","temperature":1}"#], "json router.top_k"),
    (["router": #"{"top_k":9223372036854775808,"temperature":1}"#], "json router.top_k"),
    (["router": #"{"top_k":0,"temperature":1}"#], "range top_k"),
    (["router": #"{"top_k":-1,"temperature":1}"#], "range top_k"),
    (["router": #"{"top_k":4,"temperature":1}"#], "range top_k"),
    (["router": #"{"top_k":9223372036854775807,"temperature":1}"#], "range top_k"),
    (["router": #"{"top_k":2,"temperature":0}"#], "range router temperature"),
    (["router": #"{"top_k":2,"temperature":-0.0}"#], "range router temperature"),
    (["router": #"{"top_k":2,"temperature":-1}"#], "range router temperature"),
    (["router": #"{"top_k":2,"temperature":1e39}"#], "range router temperature"),
    (["router": #"{"top_k":2,"temperature":1e-60}"#], "range router temperature"),
    (["router": #"{"top_k":2,"temperature":1e400}"#], "json router.temperature"),
    (["router": #"{"top_k":2,"temperature":"1"}"#], "json router.temperature"),
  ]

  @Test("it is refused, and the error says which field is the reason", arguments: refusals.indices)
  func refuses(index: Int) throws {
    let refusal = Self.refusals[index]
    let error = try #require(throws: MeteoRAError.self) { try files(refusal.fields) }
    #expect(error.label == refusal.label)
    #expect(!error.description.contains("\n"))
  }

  @Test(
    "its adapters may have any name that a folder can have",
    arguments: [
      "...", "..a", "a.", " ", "a b", "-x", "é", "日本", "👩‍👩‍👧", String(repeating: "a", count: 255),
    ])
  func names(name: String) throws {
    #expect(
      try files(["adapters": Self.adapter("\"\(name)\"")]).files.adapters[0].name == name)
  }

  @Test("names that only Unicode takes for equal are two names")
  func canonicalEquivalence() throws {
    let adapters = "[{\"name\":\"\u{E9}\",\"path\":\"a\"},{\"name\":\"e\u{301}\",\"path\":\"b\"}]"
    #expect(try files(["adapters": adapters]).files.adapters.count == 2)
  }

  @Test("it is refused if it is no object, ends early, or says a key twice")
  func refusesText() throws {
    let folder = try TemporaryFolder()
    let whole = TinyBundle.object(TinyBundle().manifest)
    for text in ["", "[]", "1", String(whole.dropLast()), whole.dropLast() + #","base":"b"}"#] {
      try folder.write(text, to: "meteora.json")
      #expect(throws: MeteoRAError.self) { try ModelFiles(folder: folder.url) }
    }
    try FileManager.default.removeItem(at: folder.url.appendingPathComponent("meteora.json"))
    try folder.write("", to: "meteora.json/x")
    #expect(throws: MeteoRAError.self) { try ModelFiles(folder: folder.url) }
  }

  @Test(
    "a bundle without one of its parts is refused, and the part named",
    arguments: [
      ("base", "base/config.json"), ("base/config.json", "base/config.json"),
      ("base/model.safetensors", "base"), ("gates.safetensors", "gates.safetensors"),
      ("adapters/second", "adapters/second/adapter_config.json"),
      ("adapters/third/adapter_model.safetensors", "adapters/third/adapter_model.safetensors"),
    ])
  func missingPart(path: String, named: String) throws {
    let folder = try TinyBundle().folder()
    try FileManager.default.removeItem(at: folder.url.appendingPathComponent(path))
    let error = try #require(throws: MeteoRAError.self) {
      try MeteoRAModel(contentsOf: folder.url)
    }
    #expect(error.description.hasPrefix(folder.url.appendingPathComponent(named).path + ":"))
  }
}

@Suite("The parts of a model")
struct ModelFilesTests {
  @Test("the adapters of a folder stand in the byte order of their names")
  func listsAdapters() throws {
    let folder = try TemporaryFolder()
    for name in ["b", "a10", "a2", "Z", "_", "é", "a"] {
      try folder.write("{}", to: "\(name)/adapter_config.json")
    }
    try folder.write("", to: "README.md")
    try folder.write("", to: "empty/x")
    let adapters = try ModelFiles.adapters(in: folder.url)
    #expect(adapters.map(\.name) == ["Z", "_", "a", "a10", "a2", "b", "é"])
    #expect(adapters.allSatisfy { $0.folder.lastPathComponent == $0.name })
  }

  @Test("one that a link to nowhere stands for is among them, and named when it is loaded")
  func danglingLinks() throws {
    let folder = try TinyBundle().folder()
    let adapters = folder.url.appendingPathComponent("adapters")
    let manager = FileManager.default
    try manager.createSymbolicLink(
      atPath: adapters.appendingPathComponent("a").path, withDestinationPath: "gone")
    try manager.createDirectory(
      at: adapters.appendingPathComponent("b"), withIntermediateDirectories: false)
    try manager.createSymbolicLink(
      atPath: adapters.appendingPathComponent("b/adapter_config.json").path,
      withDestinationPath: "gone")
    let found = try ModelFiles.adapters(in: adapters)
    #expect(found.map(\.name) == ["a", "b", "first", "second", "third"])
    for adapter in found.prefix(2) {
      let files = ModelFiles(base: folder.url.appendingPathComponent("base"), adapters: [adapter])
      let error = try #require(throws: MeteoRAError.self) { try MeteoRAModel(files: files) }
      let path = adapter.folder.appendingPathComponent("adapter_config.json").path
      #expect(error.description.hasPrefix("\(path): no such file"), "\(error)")
    }
  }

  @Test("a folder without adapters, and none at all, are refused")
  func noAdapters() throws {
    let folder = try TemporaryFolder()
    try folder.write("", to: "x/y")
    for url in [folder.url, folder.url.appendingPathComponent("missing")] {
      let error = try #require(throws: MeteoRAError.self) { try ModelFiles.adapters(in: url) }
      #expect(error.description.hasPrefix(url.path + ":"))
    }
  }

  @Test("names and router are checked before anything is loaded")
  func checks() throws {
    let nowhere = URL(fileURLWithPath: "/nowhere")
    func files(_ names: [String], _ router: RouterConfiguration = .init(topK: 1)) -> ModelFiles {
      ModelFiles(
        base: nowhere, adapters: names.map { .init(name: $0, folder: nowhere) },
        gates: .file(nowhere), router: router)
    }
    for (files, label) in [
      (files(["a", "a"]), "two adapters are named 'a'"), (files([""]), "invalid adapter name"),
      (files([]), "invalid the number of adapters beside it"),
      (files(["a"], .init(topK: 2)), "range top_k"),
      (files(["a"], .init(topK: Int.min)), "range top_k"),
      (files(["a"], .init(topK: 1, temperature: .nan)), "range router temperature"),
      (files(["a"], .init(topK: 1, temperature: .infinity)), "range router temperature"),
      (files(["a"]), "unreadable"),
    ] {
      let error = try #require(throws: MeteoRAError.self) { try MeteoRAModel(files: files) }
      #expect(error.label == label)
    }
  }
}
