import Foundation
import MeteoRA
import Testing

@testable import MeteoRAReports

@Suite("The code of choices")
struct ChoiceCodeTests {
  @Test(
    "it is Base64 of ten bits and fourteen",
    arguments: [
      (0, Float(0), 0), (1, 0.5, 1 << 14 | 5000), (1023, 1, 1023 << 14 | 10_000),
      (27, 0.26894142, 27 << 14 | 2689), (5, .nan, 5 << 14 | 16_383), (5, -1, 5 << 14),
      (5, .infinity, 5 << 14 | 10_000),
    ])
  func bits(adapter: Int, weight: Float, expected: Int) throws {
    var text: [UInt8] = []
    ChoiceCode.append(adapter: adapter, weight: weight, to: &text)
    let data = try #require(Data(base64Encoded: Data(text)))
    #expect(data.count == 3)
    #expect(data.reduce(0) { $0 << 8 | Int($1) } == expected)
  }

  @Test("tokens follow each other, in each module after module, four characters a choice")
  func order() {
    var modules = [
      ModuleRouting(layer: 0, module: .query, topK: 2),
      ModuleRouting(layer: 1, module: .up, topK: 2),
    ]
    for token in 0..<3 {
      for module in modules.indices {
        let adapter = token * 4 + module * 2
        modules[module].append([(adapter, 1), (adapter + 1, 0)])
      }
    }
    let text = ChoiceCode.text(of: 0..<3, in: modules)
    var expected: [UInt8] = []
    for adapter in 0..<12 {
      ChoiceCode.append(adapter: adapter, weight: adapter % 2 == 0 ? 1 : 0, to: &expected)
    }
    #expect(Array(text.utf8) == expected)
    #expect(ChoiceCode.text(of: 1..<2, in: modules) == String(text.dropFirst(16).prefix(16)))
  }
}
