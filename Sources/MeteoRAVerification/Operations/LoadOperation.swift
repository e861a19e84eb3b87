import MeteoRA
import MeteoRALlama
import MeteoRASafetensors

// load_model:  model, adapters, gates or checkpoint → it loads, or it is refused as malformed or
// unsupported with an error whose text holds all of `words`.

extension CaseRun {
  func loading() throws(VerificationError) -> OperationOutcome {
    var words: [String] = []
    if golden.check == .words {
      words = try parameters { parameters throws(JSONError) in
        var words: [String] = []
        for word in try parameters.required("words").elementsValue() {
          words.append(try word.stringValue())
        }
        return words
      }
    }
    do {
      let files = try models.files(readingFor: golden)
      _ = try MeteoRAModel(files: files, kernel: execution.kernel, parallelism: parallelism)
    } catch let error as MeteoRAError {
      return .problems(problems(with: error, words: words))
    } catch let error as JSONError {
      throw .json(case: golden.id, error)
    } catch {
      throw .refused(case: golden.id, reason: "\(error)")
    }
    return .problems(
      golden.result == .valid ? [] : ["it loads, expected to be refused as \(golden.result)"])
  }

  private func problems(with error: MeteoRAError, words: [String]) -> [String] {
    let text = error.description
    var problems: [String] = []
    if error.verdict != golden.result {
      problems.append("is found \(error.verdict), expected \(golden.result): \(text)")
    }
    for word in words where !text.utf8.contains(word.utf8) {
      problems.append("the error does not say '\(word)': \(text)")
    }
    if text.utf8.contains(UInt8(ascii: "\n")) {
      problems.append("the error is not one line: \(text)")
    }
    return problems
  }
}

extension MeteoRAError {
  /// Whether what was read breaks its format, or is only not taken.
  fileprivate var verdict: GoldenCase.Result {
    switch self {
    case .unsupported: return .unsupported
    case .safetensors(let error): return error.verdict
    case .llama(let error):
      switch error {
      case .unsupported, .weightType: return .unsupported
      case .safetensors(let error): return error.verdict
      default: return .malformed
      }
    default: return .malformed
    }
  }
}

extension SafetensorsError {
  fileprivate var verdict: GoldenCase.Result {
    category == .unsupported ? .unsupported : .malformed
  }
}
