import Foundation
import MeteoRASafetensors

// safetensors_read:         file → metadata and tensors, in the order of their data; or a refusal
// safetensors_read_folder:  folder of shards → tensors
// safetensors_write:        metadata, tensors → the bytes of a file
//
// `tensors` is a list of {"name","dtype","shape","bytes"}, the bytes in hexadecimal digits;
// `metadata` a list of pairs, or null.

extension CaseRun {
  func reading() throws(VerificationError) -> OperationOutcome {
    let url = try inputFile("file")
    let file: SafetensorsFile
    do throws(SafetensorsError) {
      file = try SafetensorsFile(contentsOf: url)
    } catch {
      return .problems(problems(with: error))
    }
    guard golden.result == .valid else {
      return .problems(["it is read, expected to be refused as \(golden.result)"])
    }
    let expected = try describedTensors()
    var problems = differences(of: file.tensors, from: expected)
    let metadata = try describedMetadata()
    if file.metadata?.texts != metadata?.texts { problems.append("the metadata differ") }
    return .problems(problems)
  }

  func readingFolder() throws(VerificationError) -> OperationOutcome {
    let url = try inputFile("folder")
    let expected = try describedTensors()
    do throws(SafetensorsError) {
      let checkpoint = try SafetensorsCheckpoint(folder: url)
      return .problems(differences(of: checkpoint.tensors, from: expected))
    } catch {
      return .problems(problems(with: error))
    }
  }

  func writing() throws(VerificationError) -> OperationOutcome {
    let tensors = try describedTensors()
    let metadata = try describedMetadata()
    guard let output = golden.output(named: "file") else {
      throw .missingInput(case: golden.id, name: "file")
    }
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("meteora-verify-\(UUID().uuidString).safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    do {
      let writer = try SafetensorsWriter(
        to: url, tensors: tensors.map { .init($0.name, $0.dtype, $0.shape) }, metadata: metadata)
      for tensor in tensors {
        try tensor.bytes.withUnsafeBytes { try writer.append(bytes: $0, to: tensor.name) }
      }
      try writer.finish()
      let actual = try Data(contentsOf: url)
      let expected = try Data(contentsOf: files.url(output.file))
      if actual == expected { return .problems([]) }
      let place = zip(actual, expected).enumerated().first { $0.element.0 != $0.element.1 }
      let start = place?.offset ?? min(actual.count, expected.count)
      return .problems([
        "\(actual.count) bytes are written, expected \(expected.count); "
          + "the first that differs is byte \(start)"
      ])
    } catch {
      throw .refused(case: golden.id, reason: "\(error)")
    }
  }

  private func problems(with error: SafetensorsError) -> [String] {
    let isExpected =
      switch error.category {
      case .malformed: golden.result == .malformed
      case .unsupported: golden.result == .unsupported
      case .inaccessible, .request: false
      }
    return isExpected ? [] : ["expected \(golden.result), but it is refused: \(error)"]
  }

  private func differences(
    of actual: [SafetensorsTensor], from expected: [DescribedTensor]
  ) -> [String] {
    guard actual.count == expected.count else {
      return ["\(actual.count) tensors are read, expected \(expected.count)"]
    }
    return zip(actual, expected).enumerated().compactMap { index, pair in
      let (actual, expected) = pair
      let isEqual =
        actual.name.utf8.elementsEqual(expected.name.utf8) && actual.dtype == expected.dtype
        && actual.shape == expected.shape
        && actual.withUnsafeBytes { $0.elementsEqual(expected.bytes) }
      return isEqual ? nil : "tensor \(index) ('\(expected.name)') differs"
    }
  }

  // MARK: Inputs

  private func inputFile(_ name: String) throws(VerificationError) -> URL {
    guard let reference = golden.input(named: name) else {
      throw .missingInput(case: golden.id, name: name)
    }
    return files.url(reference.file)
  }

  private func describedTensors() throws(VerificationError) -> [DescribedTensor] {
    try parameters { parameters throws(JSONError) in
      var tensors: [DescribedTensor] = []
      for element in try parameters.required("tensors").elementsValue() {
        tensors.append(try DescribedTensor(element))
      }
      return tensors
    }
  }

  private func describedMetadata() throws(VerificationError) -> SafetensorsMetadata? {
    try parameters { parameters throws(JSONError) in
      guard let pairs = try parameters.optional("metadata") else { return nil }
      var entries: [(key: String, value: String)] = []
      for pair in try pairs.elementsValue() {
        let texts = Array(try pair.elementsValue())
        guard texts.count == 2 else { throw pair.mismatch(expected: "a key and a value") }
        entries.append((try texts[0].stringValue(), try texts[1].stringValue()))
      }
      return SafetensorsMetadata(entries: entries)
    }
  }
}

extension SafetensorsMetadata {
  /// Keys and values as bytes, in order.
  fileprivate var texts: [[UInt8]] {
    entries.flatMap { [Array($0.key.utf8), Array($0.value.utf8)] }
  }
}

/// A tensor as the parameters of a case describe it.
private struct DescribedTensor {
  let name: String
  let dtype: SafetensorsDType
  let shape: [Int]
  let bytes: [UInt8]

  init(_ value: JSONValue) throws(JSONError) {
    name = try value.required("name").stringValue()
    let type = try value.required("dtype")
    guard let dtype = SafetensorsDType(name: try type.stringValue()) else {
      throw type.mismatch(expected: "a type of safetensors")
    }
    self.dtype = dtype
    shape = try value.required("shape").integersValue(in: 0...Int.max)
    let text = try value.required("bytes")
    let digits = try text.utf8Value()
    var bytes: [UInt8] = []
    for position in stride(from: 0, to: digits.count - digits.count % 2, by: 2) {
      let pair = String(decoding: digits[position..<position + 2], as: UTF8.self)
      guard let byte = UInt8(pair, radix: 16) else {
        throw text.mismatch(expected: "hexadecimal digits, two for each byte")
      }
      bytes.append(byte)
    }
    guard digits.count % 2 == 0 else {
      throw text.mismatch(expected: "hexadecimal digits, two for each byte")
    }
    self.bytes = bytes
  }
}
