import Foundation
import MeteoRASafetensors
import Testing

/// A whole-model case of the golden pack, as a command line.
struct GoldenModelCase: CustomTestStringConvertible, Sendable {
  let id: String
  let operation: String
  private let value: JSONValue

  var testDescription: String { id }

  /// - Parameters:
  ///   - areas: What the ids of the cases begin with.
  ///   - mode: "merged" for the cases whose model has to be written first; `nil` for others.
  static func all(
    _ operation: String, areas: [String] = ["models", "adapters"], mode: String? = nil
  ) -> [GoldenModelCase] {
    guard let manifest = try? Fixture.golden("manifest.json"),
      let root = try? JSONDocument(contentsOf: URL(fileURLWithPath: manifest)).root,
      let cases = root["cases"]?.elements
    else { return [] }
    return cases.compactMap { value in
      guard let id = value["id"]?.string,
        areas.contains(where: { id.utf8.starts(with: "\($0)/".utf8) }),
        value["operation"]?.string == operation,
        value["parameters"]?["mode"]?.equals("merged") == (mode == "merged")
      else { return nil }
      return GoldenModelCase(id: id, operation: operation, value: value)
    }
  }

  func parameter(_ name: String) -> JSONValue? { value["parameters"]?[name] }

  /// `--model …` and what else says the same as the case's parameters.
  func modelArguments() throws -> [String] {
    var arguments = ["--model", try Fixture.golden(#require(parameter("model")?.string))]
    if let adapters = parameter("adapters") {
      if let folder = adapters.string {
        arguments += ["--adapters", try Fixture.golden(folder)]
      }
      for adapter in adapters.elements.map(Array.init) ?? [] {
        let (name, path) = (adapter["name"]?.string ?? "", adapter["path"]?.string ?? "")
        arguments += ["--adapter", "\(name)=\(try Fixture.golden(path))"]
      }
    }
    for option in ["gates", "checkpoint"] {
      guard let path = parameter(option)?.string else { continue }
      arguments += ["--\(option)", try Fixture.golden(path)]
    }
    switch parameter("mode")?.string {
    case "base": arguments.append("--no-adapters")
    case "single":
      arguments += ["--single-adapter", try #require(parameter("adapter")?.string)]
    case "routed":
      let temperature = try #require(parameter("temperature")?.numberText)
      let topK = try #require(parameter("top_k")?.integer)
      arguments += ["--router-top-k", "\(topK)", "--router-temperature=\(temperature)"]
      if let names = parameter("only")?.elements?.compactMap(\.string) {
        arguments += ["--only", names.joined(separator: ",")]
      }
    default: break
    }
    return arguments
  }

  func promptIDs() throws -> [Int] { try integers("inputs", "ids") }

  func integers(_ side: String, _ name: String) throws -> [Int] {
    try tensor(side, name).int64Values().map { Int($0) }
  }

  /// The names of the outputs.
  var outputs: [String] { value["outputs"]?.members?.compactMap(\.key.string) ?? [] }

  func tensor(_ side: String, _ name: String) throws -> SafetensorsTensor {
    let reference = try #require(value[side]?[name])
    let file = try SafetensorsFile(
      contentsOf: URL(
        fileURLWithPath: Fixture.golden(#require(reference["file"]?.string))))
    return try file.tensor(named: #require(reference["tensor"]?.string))
  }
}
