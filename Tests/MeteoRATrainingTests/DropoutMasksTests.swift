import MeteoRALlama
import MeteoRAMath
import Testing

@testable import MeteoRATraining

@Suite("Masks of dropout")
struct DropoutMasksTests {
  private func mask(
    _ masks: DropoutMasks, _ columns: Range<Int>, row: Int = 2, adapter: Int = 1, firstRow: Int = 0
  ) -> [Float] {
    var mask = [Float](repeating: -1, count: columns.count)
    mask.withUnsafeMutableBufferPointer { target in
      guard let target = target.baseAddress else { return }
      masks.masks(of: .up, layer: 3, firstRow: firstRow).mask(row, adapter, columns, target)
    }
    return mask
  }

  @Test("are what the documentation says")
  func definition() {
    let masks = DropoutMasks(probability: 0.3, seed: 1 << 33 | 5, step: 7)
    let key = Philox.words(counter: [7, 0, 0, 3], key: [5, 2])
    let expected = (0..<40).map { k -> Float in
      let words = Philox.words(
        counter: [UInt32(k / 8), 2, 3 * 7 + 5, 1], key: [key[0], key[1]])
      let half = words[k % 8 / 2] >> (k % 2 == 0 ? 0 : 16) & 0xFFFF
      return half < 19661 ? 0 : 1 / (1 - 0.3)
    }
    #expect(mask(masks, 0..<40) == expected)
  }

  @Test("are the same in pieces, and for a row whatever its batch")
  func pieces() {
    let masks = DropoutMasks(probability: 0.5, seed: 1, step: 0)
    let whole = mask(masks, 0..<100)
    #expect(mask(masks, 0..<13) + mask(masks, 13..<64) + mask(masks, 64..<100) == whole)
    #expect(mask(masks, 0..<100, row: 0, firstRow: 2) == whole)
    #expect(mask(masks, 0..<100, row: 3) != whole)
    #expect(mask(masks, 0..<100, adapter: 0) != whole)
    #expect(mask(DropoutMasks(probability: 0.5, seed: 1, step: 1), 0..<100) != whole)
  }

  @Test("leave out as many as they should", arguments: [0.1, 0.5, 0.9] as [Float])
  func share(_ probability: Float) {
    let masks = DropoutMasks(probability: probability, seed: 3, step: 4)
    let zeros = (0..<50).reduce(0) { sum, row in
      sum + mask(masks, 0..<1000, row: row).count { $0 == 0 }
    }
    #expect(abs(Float(zeros) / 50_000 - probability) < 0.01)
  }

  @Test("write their columns alone", arguments: [0..<1, 3..<13, 5..<6, 7..<9, 16..<41])
  func margins(_ columns: Range<Int>) {
    let masks = DropoutMasks(probability: 0.5, seed: 1, step: 0)
    var memory = [Float](repeating: -7, count: columns.count + 40)
    memory.withUnsafeMutableBufferPointer { memory in
      guard let start = memory.baseAddress else { return }
      masks.masks(of: .up, layer: 3, firstRow: 0).mask(2, 1, columns, start + 20)
    }
    #expect(memory[..<20].allSatisfy { $0 == -7 })
    #expect(Array(memory[20..<20 + columns.count]) == mask(masks, columns))
    #expect(memory[(20 + columns.count)...].allSatisfy { $0 == -7 })
  }
}
