import MeteoRAKernels
import MeteoRAMath
import MeteoRASafetensors

// merge:  weight [out, in], A [r, in], B [out, r]; lora_alpha, use_rslora
//         → merged [out, in]; rounded [out, in] if the weight is narrower than binary32: merged,
//           rounded to its type

extension CaseRun {
  func mergedWeights() throws(VerificationError) -> OperationOutcome {
    let weight = try floats("weight", rank: 2)
    let a = try matrix("A")
    let b = try matrix("B")
    let scaling = try parameters { parameters throws(JSONError) in
      LoRAAdapter.scaling(
        alpha: try parameters.required("lora_alpha").doubleValue(), rank: a.outFeatures,
        usesRankStabilization: try parameters.required("use_rslora").boolValue())
    }
    var merged = weight.values
    try kernel { () throws(KernelError) in
      let merge = try LoRAMerge(LoRAAdapter(a: a, b: b, scaling: scaling))
      try merge.add(toRows: 0..<weight.shape[0], of: &merged, parallelism: parallelism)
    }
    var outputs = ["merged": GoldenTensor(merged, shape: weight.shape)]
    let rounded: [Float]? =
      switch try storedInput("weight").dtype {
      case .bf16: merged.map { Widening.float(bfloat16: Narrowing.bfloat16($0)) }
      case .f16: merged.map { Widening.float(float16: Narrowing.float16($0)) }
      default: nil
      }
    outputs["rounded"] = rounded.map { GoldenTensor($0, shape: weight.shape) }
    return .tensors(outputs)
  }
}
