import Foundation
import MeteoRA
import MeteoRAFixtures
import MeteoRASafetensors
import Testing

@testable import MeteoRAEvaluation

@Suite("The trained bundle")
struct TrainedBundleTests {
  private let folder: URL

  init() throws {
    folder = try #require(TinyMeteoRA.directory)
  }

  @Test("its files are those that its script made")
  func hasItsBytes() throws {
    let list = try String(
      contentsOf: folder.appendingPathComponent("SHA256SUMS"), encoding: .utf8)
    let lines = list.split(separator: "\n")
    #expect(lines.count == 67)
    for line in lines {
      let file = folder.appendingPathComponent(String(line.dropFirst(68)))
      #expect(try SHA256.hexDigest(ofFile: file) == line.prefix(64))
    }
  }

  @Test("routed, it answers what the base alone does not")
  func answers() throws {
    let model = try MeteoRAModel(contentsOf: folder)
    let evaluator = try Evaluator(model)
    let sets = try TestSet.all(
      of: model.adapterNames, in: folder.appendingPathComponent("datasets"), limit: 3)
    #expect(sets.count == 14)
    var right = 0
    for set in sets {
      right += try evaluator.result(of: set, mode: .model(.routed)).accuracy.correct
      #expect(try evaluator.result(of: set, mode: .model(.noAdapters)).accuracy.correct == 0)
    }
    #expect(right >= 40)
  }

  @Test("it switches adapters within an answer")
  func switches() throws {
    let model = try MeteoRAModel(contentsOf: folder)
    let sets = try TestSet.all(
      of: ["composite-5"], in: folder.appendingPathComponent("datasets"), limit: 4)
    let items = try #require(
      Evaluator(model).result(of: sets[0], mode: .model(.routed)).items)
    #expect(items.count == 20 && items.correct >= 17)
  }
}
