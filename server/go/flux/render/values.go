package render

import (
	"encoding/json"
	"fmt"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"
)

// userValues merges what a HelmRelease takes values from as helm-controller does: fluxcd/pkg/chartutil,
// ChartValuesFromReferences, which reads the objects itself and is not asked here for that reason.
func userValues(request *Helm) (map[string]any, error) {
	own := map[string]any{}
	if len(request.Values) > 0 {
		if err := json.Unmarshal(request.Values, &own); err != nil {
			return nil, err
		}
	}
	if own == nil {
		// They were null.
		own = map[string]any{}
	}
	merged := map[string]any{}
	for number, from := range request.ValuesFrom {
		if from.TargetPath != "" {
			merged = loader.MergeMaps(merged, own)
			if err := setAt(merged, from); err != nil {
				return nil, fmt.Errorf("values reference %d: failed to merge value: %w", number, err)
			}
			continue
		}
		values, err := common.ReadValues([]byte(from.Data))
		if err != nil {
			return nil, fmt.Errorf("values reference %d: failed to read values data: %w", number, err)
		}
		merged = loader.MergeMaps(merged, values)
	}
	merged = loader.MergeMaps(merged, own)
	for _, change := range request.Changes {
		applied, err := changed(merged, change.Path, change)
		if err != nil {
			return nil, err
		}
		if values, is := applied.(map[string]any); is {
			merged = values
		}
	}
	return merged, nil
}

// setAt puts one value where its path says: ReplacePathValue and ReplacePathLiteralValue of chartutil.
func setAt(values map[string]any, from ValuesFrom) error {
	const singleQuote, doubleQuote = "'", `"`
	value := from.Data
	if from.Literal {
		escaper := strings.NewReplacer(`\`, `\\`, `,`, `\,`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`)
		return strvals.ParseIntoString(from.TargetPath+"="+escaper.Replace(value), values)
	}
	within := func(quote string) bool { return strings.HasPrefix(value, quote) && strings.HasSuffix(value, quote) }
	if within(singleQuote) || within(doubleQuote) {
		return strvals.ParseIntoString(from.TargetPath+"="+strings.Trim(value, singleQuote+doubleQuote), values)
	}
	return strvals.ParseInto(from.TargetPath+"="+value, values)
}

// changed is a value with a change in it. What is changed is copied: values of several references share their maps.
func changed(value any, path []any, change Change) (any, error) {
	if len(path) == 0 {
		if change.Delete {
			return nil, nil
		}
		var now any
		err := json.Unmarshal(change.Value, &now)
		return now, err
	}
	switch step := path[0].(type) {
	case string:
		before, is := value.(map[string]any)
		if !is {
			return nil, fmt.Errorf("there is no %q to be changed", step)
		}
		after := make(map[string]any, len(before))
		for key, one := range before {
			after[key] = one
		}
		if len(path) == 1 && change.Delete {
			delete(after, step)
			return after, nil
		}
		now, err := changed(before[step], path[1:], change)
		after[step] = now
		return after, err
	case float64:
		before, is := value.([]any)
		at := int(step)
		if !is || at < 0 || at >= len(before) {
			return nil, fmt.Errorf("there is no item %d to be changed", at)
		}
		after := append([]any{}, before...)
		if len(path) == 1 && change.Delete {
			return append(after[:at], after[at+1:]...), nil
		}
		now, err := changed(before[at], path[1:], change)
		after[at] = now
		return after, err
	default:
		return nil, fmt.Errorf("a path is made of keys and numbers, not of %T", step)
	}
}
